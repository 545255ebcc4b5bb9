# Every library that Millrace links, as Debian 12 ships it. docs/licences.md lists their terms.

find_package(Threads REQUIRED)

find_path(CAF_INCLUDE_DIR caf/all.hpp REQUIRED)
foreach(part core io openssl)
  find_library(CAF_${part}_LIBRARY caf_${part} REQUIRED)
endforeach()
add_library(millrace_caf INTERFACE)
target_include_directories(millrace_caf SYSTEM INTERFACE ${CAF_INCLUDE_DIR})
target_link_libraries(millrace_caf INTERFACE ${CAF_openssl_LIBRARY} ${CAF_io_LIBRARY} ${CAF_core_LIBRARY} Threads::Threads)

# Not by pkg-config, which names the headers of libraries below libzmq, in another order at every second
# configuring: everything that uses sockets was then compiled again.
function(millrace_find_library target header library)
  find_path(${target}_INCLUDE_DIR ${header} REQUIRED)
  find_library(${target}_LIBRARY ${library} REQUIRED)
  add_library(${target} INTERFACE)
  target_include_directories(${target} SYSTEM INTERFACE ${${target}_INCLUDE_DIR})
  target_link_libraries(${target} INTERFACE ${${target}_LIBRARY})
endfunction()
millrace_find_library(millrace_zmq zmq.h zmq)
millrace_find_library(millrace_sodium sodium.h sodium)
millrace_find_library(millrace_rdkafka librdkafka/rdkafka.h rdkafka)
# Not by its own configuration, which asks for the web server and the HTTP client of parts that are not used.
millrace_find_library(millrace_prometheus prometheus/text_serializer.h prometheus-cpp-core)
millrace_find_library(millrace_curl curl/curl.h curl)
millrace_find_library(millrace_pugixml pugixml.hpp pugixml)

find_package(CapnProto REQUIRED)
find_package(RocksDB REQUIRED)
find_package(HWY CONFIG REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(FastFloat REQUIRED)
if(MILLRACE_TESTS)
  find_package(Boost 1.74 REQUIRED COMPONENTS unit_test_framework)
  find_package(Eigen3 REQUIRED)
  # Nothing of Eigen outside its MPL 2 part.
  add_compile_definitions(EIGEN_MPL2_ONLY)
endif()
