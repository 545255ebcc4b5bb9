@0xd4c1a7be52f09e83;
# What producers and a zeromq source say to each other (ZeroMQ DEALER sockets against the source's ROUTER socket).
# One message per frame, unpacked stream encoding. Fields are only ever added; see README.md.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("millrace::wire::schema");

struct IngestRequest {
  producer @0 :Text;       # at most 128 bytes, unique among those who send to this endpoint, the same after a restart
  acknowledged @1 :UInt64; # the highest number that this producer saw acknowledged; 0: none
  union {
    hello @2 :Void;        # answered by `welcome`
    rows @3 :IngestRows;
  }
}

struct IngestRows {
  sequence @0 :UInt64;     # 1, 2, 3, ... of this producer; sent again with the same number and the same bytes
  lines @1 :Data;          # lines of CSV as in the sample, without its header; the last newline may be left out
}

struct IngestReply {
  union {
    welcome @0 :IngestProgress;
    progress @1 :IngestProgress;  # unasked, after a checkpoint; and where a message is no news
    gap @2 :IngestProgress;       # a message was passed over: send again from received + 1
    error @3 :IngestError;        # the message counts for nothing
  }
}

struct IngestProgress {
  received @0 :UInt64;      # all messages up to this number have arrived
  acknowledged @1 :UInt64;  # and up to this one they are in a complete checkpoint: never needed again
}

struct IngestError {
  code @0 :Text;            # invalid_argument, resource_exhausted, permission_denied, unsupported_format
  message @1 :Text;
  hint @2 :Text;
}
