@0xb7d1f0c2a94e6d35;
# Requests and replies of the prediction endpoint (ZeroMQ REQ or DEALER against the worker's ROUTER socket).
# One message per frame, unpacked stream encoding. Fields are only ever added; see README.md.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::wire");

struct Value {
  union {
    missing @0 :Void;
    number @1 :Float64;
    text @2 :Text;
  }
}

struct Field {
  name @0 :Text;
  value @1 :Value;
}

struct NamedRow {
  fields @0 :List(Field);
}

struct OrderedRow {
  values @0 :List(Value);  # in schema order, without the label
}

struct PredictRequest {
  id @0 :UInt64;           # echoed in the reply
  model @1 :Text;          # empty: the only model served
  version @2 :UInt64;      # 0: the newest, or what the alias names
  alias @3 :Text;
  rows :union {
    named @4 :List(NamedRow);
    ordered @5 :List(OrderedRow);
  }
  deadlineMs @6 :UInt32;   # 0: none; older requests are answered with the error `expired`
  probabilities @7 :Bool;  # send the probability of every class, not only of the predicted one
}

struct Prediction {
  label @0 :Text;          # predicted class; empty for regression
  value @1 :Float64;       # predicted value, or the probability of `label`
  probabilities @2 :List(Float64);  # in order of PredictReply.classes, when asked for
  missing @3 :List(Text);  # fields that were absent and imputed
  unknown @4 :List(Text);  # categorical fields whose value was never seen in training
}

struct PredictError {
  code @0 :Text;           # invalid_argument, not_found, resource_exhausted, expired, internal
  message @1 :Text;
  hint @2 :Text;
}

struct PredictReply {
  id @0 :UInt64;
  union {
    error @1 :PredictError;
    predictions @2 :List(Prediction);
  }
  model @3 :Text;
  version @4 :UInt64;
  cut @5 :UInt64;          # the cut that made the version
  records @6 :UInt64;      # records the version has learned from
  ageMs @7 :UInt64;        # since the version was published
  classes @8 :List(Text);
}
