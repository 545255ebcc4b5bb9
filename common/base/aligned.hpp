// Arrays aligned to a cache line (64 bytes), so that a vector load never straddles two.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace millrace {

inline constexpr std::size_t kCacheLine = 64;
// Floats in a cache line: row strides are multiples of it.
inline constexpr std::size_t kRowFloats = kCacheLine / sizeof(float);

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

template <typename T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <typename U>
  CacheLineAllocator(const CacheLineAllocator<U>&) {}  // NOLINT: allocators convert
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{kCacheLine}));
  }
  void deallocate(T* pointer, std::size_t) {
    ::operator delete (pointer, std::align_val_t{kCacheLine});
  }
  friend bool operator==(CacheLineAllocator, CacheLineAllocator) { return true; }
};

template <typename T>
using AlignedVector = std::vector<T, CacheLineAllocator<T>>;

}  // namespace millrace
