@0xb7d1f0c2a94e6d35;
# Requests and replies of the prediction endpoint (ZeroMQ REQ or DEALER against the worker's ROUTER socket).
# One message per frame, unpacked stream encoding. Fields are only ever added; see README.md.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::wire::schema");

struct Value {
  union {
    missing @0 :Void;
    number @1 :Float64;    # NaN: missing
    text @2 :Text;         # read as a field of a CSV file would be
  }
}

struct Field {
  name @0 :Text;
  value @1 :Value;
}

struct NamedRow {
  fields @0 :List(Field);  # any order; features that are not named are missing
}

struct OrderedRow {
  values @0 :List(Value);  # the features in schema order: without label, weight and excluded fields
}

struct NumericRows {       # many rows of a model whose features are all numbers
  columns @0 :UInt32;      # features per row
  values @1 :Data;         # float32, little-endian, row-major, features in schema order; NaN: missing
}

struct PredictRequest {
  id @0 :UInt64;           # echoed in the reply
  model @1 :Text;          # empty: the only model served
  version @2 :UInt64;      # 0: what the alias names
  alias @3 :Text;          # empty: `production`, or the newest version where there is no such alias
  rows :union {
    named @4 :List(NamedRow);
    ordered @5 :List(OrderedRow);
    numeric @6 :NumericRows;     # answered with `numeric` predictions
  }
  deadlineMs @7 :UInt32;   # 0: none; a request that waited longer is answered with the error `expired`
  sentAtMs @8 :UInt64;     # Unix time when it was sent, from which the deadline counts; 0: from its arrival
  probabilities @9 :Bool;  # send the probability of every class, not only of the predicted one
  minRevision @10 :UInt64; # the highest aliasRevision that the client has seen: a server that is behind it answers
                           # with the error `conflict`; 0: any will do. Not with `version` or the alias `newest`
}

struct Prediction {
  label @0 :Text;          # predicted class; empty for regression
  value @1 :Float64;       # predicted value, or the probability of `label`
  probabilities @2 :List(Float64);  # in order of PredictReply.classes, when asked for
  missing @3 :List(Text);  # features that were absent and imputed
  unknown @4 :List(Text);  # categorical features whose value was never seen in training
}

struct NumericPredictions {
  outputs @0 :UInt32;      # numbers per row: 1 for regression (the value) and two classes (the
                           # probability of the second), else one probability per class
  values @1 :Data;         # float32, little-endian, row-major
  missing @2 :UInt64;      # values that were absent and imputed, over all rows
}

struct PredictError {
  code @0 :Text;           # invalid_argument, not_found, conflict, permission_denied, resource_exhausted, expired, internal
  message @1 :Text;
  hint @2 :Text;
}

struct PredictReply {
  id @0 :UInt64;
  union {
    error @1 :PredictError;
    predictions @2 :List(Prediction);   # in the order of the rows
    numeric @3 :NumericPredictions;
  }
  model @4 :Text;
  version @5 :UInt64;
  aliasRevision @6 :UInt64;  # of the alias that led to the version, never falling; 0: none did
  cut @7 :UInt64;            # the cut that made the version
  records @8 :UInt64;        # records the version has learned from
  ageMs @9 :UInt64;          # since the version was made
  classes @10 :List(Text);   # class names in order of id; empty for regression
}
