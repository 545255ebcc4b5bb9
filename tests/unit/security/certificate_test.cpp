#include "common/security/certificate.hpp"

#include "tests/unit/security/key_tree.hpp"

namespace millrace::test {
namespace {

using namespace std::chrono_literals;

struct Chain {
  Chain() : authority(make_authority(kNow)) {}

  static Certified make_authority(std::chrono::sys_seconds now) {
    Certified made;
    made.key = make_private_key();
    made.certificate = make_authority_certificate(made.key, now).value();
    return made;
  }
  static Certified issue(const Certified& by, const NodeIdentity& identity,
                         std::chrono::days days = std::chrono::days(365),
                         std::chrono::sys_seconds now = kNow) {
    Certified made;
    made.key = make_private_key();
    auto certificate = make_node_certificate(by, made.key, identity, days, now);
    BOOST_REQUIRE_MESSAGE(certificate.is_ok(), certificate.status().message());
    made.certificate = std::move(certificate).value();
    return made;
  }
  static Result<CheckedCertificate> check(const std::string& authority_pem,
                                          const std::string& certificate, const Secret& key,
                                          std::chrono::sys_seconds now = kNow) {
    return check_certificate({.authority = authority_pem,
                              .authority_file = "ca.crt",
                              .certificate = certificate,
                              .certificate_file = "node.crt",
                              .key = key.text(),
                              .key_file = "node.key"},
                             now);
  }
  // The reason for a refusal.
  static std::string refused(const Result<CheckedCertificate>& checked) {
    BOOST_REQUIRE(!checked.is_ok());
    BOOST_TEST(!checked.status().hint().empty());
    return checked.status().message();
  }

  Certified authority;
  const NodeIdentity worker{.role = NodeRole::worker, .name = "worker-1"};
};

BOOST_FIXTURE_TEST_SUITE(common_security_certificate, Chain)

BOOST_AUTO_TEST_CASE(a_certificate_says_who_its_owner_is_and_when_it_ends) {
  const auto node = issue(authority, worker, std::chrono::days(90));
  const auto checked = check(authority.certificate, node.certificate, node.key);
  BOOST_REQUIRE_MESSAGE(checked.is_ok(), checked.status().message());
  BOOST_TEST((checked.value().identity == worker));
  BOOST_TEST((checked.value().expires_at == kNow + std::chrono::days(90)));
}

BOOST_AUTO_TEST_CASE(one_that_ends_within_a_day_is_refused_and_one_second_more_is_not) {
  const auto node = issue(authority, worker, std::chrono::days(30));
  const auto last = kNow + std::chrono::days(29);
  BOOST_TEST(check(authority.certificate, node.certificate, node.key, last).is_ok());
  const auto soon = refused(check(authority.certificate, node.certificate, node.key, last + 1s));
  BOOST_TEST(soon.find("2026-01-31 00:00 UTC, in less than 24 hours") != std::string::npos, soon);
  const auto late = refused(check(authority.certificate, node.certificate, node.key, last + 24h));
  BOOST_TEST(late.find("node.crt expired on 2026-01-31") != std::string::npos, late);
}

BOOST_AUTO_TEST_CASE(one_from_the_future_is_refused_but_not_for_a_clock_that_is_minutes_behind) {
  const auto node = issue(authority, worker);
  const auto checked = check(authority.certificate, node.certificate, node.key, kNow - 59min);
  BOOST_TEST(checked.is_ok());
  const auto why = refused(check(authority.certificate, node.certificate, node.key, kNow - 2h));
  BOOST_TEST(why.find("not valid before") != std::string::npos, why);
}

BOOST_AUTO_TEST_CASE(one_of_another_authority_is_refused) {
  const auto other = make_authority(kNow);
  const auto node = issue(other, worker);
  const auto why = refused(check(authority.certificate, node.certificate, node.key));
  BOOST_TEST(why.find("node.crt was not signed by the authority of ca.crt") == 0u, why);
}

BOOST_AUTO_TEST_CASE(a_self_signed_one_is_refused) {
  const auto node = make_authority(kNow);
  const auto why = refused(check(authority.certificate, node.certificate, node.key));
  BOOST_TEST(why.find("node.crt is self-signed") == 0u, why);
}

BOOST_AUTO_TEST_CASE(the_authority_itself_is_no_node) {
  const auto why = refused(check(authority.certificate, authority.certificate, authority.key));
  BOOST_TEST(why.find("node.crt") == 0u, why);
}

BOOST_AUTO_TEST_CASE(a_node_is_no_authority) {
  const auto node = issue(authority, worker);
  const auto second = issue(authority, {.role = NodeRole::worker, .name = "worker-2"});
  const auto why = refused(check(node.certificate, second.certificate, second.key));
  BOOST_TEST(why == "ca.crt is not the certificate of an authority");
  // And what it signs all the same is not believed.
  const auto signed_by_node = issue(node, {.role = NodeRole::coordinator, .name = "coordinator"});
  const auto chained =
      refused(check(authority.certificate, signed_by_node.certificate, signed_by_node.key));
  BOOST_TEST(chained.find("was not signed by the authority") != std::string::npos, chained);
}

BOOST_AUTO_TEST_CASE(a_key_of_another_certificate_is_refused) {
  const auto node = issue(authority, worker), other = issue(authority, worker);
  const auto why = refused(check(authority.certificate, node.certificate, other.key));
  BOOST_TEST(why == "node.key is not the key of node.crt");
}

BOOST_AUTO_TEST_CASE(a_certificate_changed_by_one_bit_is_refused) {
  const auto node = issue(authority, worker);
  // The last full line of Base64 holds a part of the signature.
  auto changed = node.certificate;
  const auto at = changed.rfind("\n-----END") - 20;
  changed[at] = changed[at] == 'A' ? 'B' : 'A';
  BOOST_TEST(!check(authority.certificate, changed, node.key).is_ok());
}

BOOST_AUTO_TEST_CASE(what_is_no_pem_or_more_than_one_is_named) {
  const auto node = issue(authority, worker);
  const auto two = authority.certificate + make_authority(kNow).certificate;
  BOOST_TEST(refused(check("", node.certificate, node.key)).find("ca.crt holds no certificate") ==
             0u);
  BOOST_TEST(refused(check(two, node.certificate, node.key)).find("ca.crt holds more than one") ==
             0u);
  BOOST_TEST(refused(check(authority.certificate, "text", node.key)).find("node.crt holds no") ==
             0u);
  BOOST_TEST(refused(check(authority.certificate, node.certificate, Secret(as_bytes("text"))))
                 .find("node.key holds no private key") == 0u);
}

BOOST_AUTO_TEST_CASE(an_authority_made_again_over_its_key_confirms_what_it_signed) {
  const auto node = issue(authority, worker);
  const auto again = make_authority_certificate(authority.key, kNow + 1h).value();
  BOOST_TEST(again != authority.certificate);
  const auto checked = check(again, node.certificate, node.key, kNow + 2h);
  BOOST_TEST(checked.is_ok(), checked.status().message());
}

BOOST_AUTO_TEST_CASE(nothing_is_signed_that_would_outlive_the_authority) {
  const Secret key = make_private_key();
  const auto late = kNow + kAuthorityDays - std::chrono::days(10);
  BOOST_TEST(make_node_certificate(authority, key, worker, std::chrono::days(10), late).is_ok());
  const auto refused_one =
      make_node_certificate(authority, key, worker, std::chrono::days(11), late);
  BOOST_TEST((refused_one.status().code() == Code::invalid_argument));
}

BOOST_AUTO_TEST_CASE(an_identity_is_a_role_and_a_name_and_nothing_else) {
  BOOST_TEST(identity_uri(worker) == "millrace://worker/worker-1");
  BOOST_TEST((parse_identity_uri("millrace://coordinator/c.example").value() ==
              NodeIdentity{.role = NodeRole::coordinator, .name = "c.example"}));
  for (const char* uri : {"", "millrace://", "millrace://worker", "millrace://worker/",
                          "millrace://admin/a", "millrace://worker/a/b", "millrace://worker/A",
                          "http://worker/a", "millrace://worker/a,DNS:b"}) {
    BOOST_TEST(!parse_identity_uri(uri).is_ok(), uri);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace millrace::test
