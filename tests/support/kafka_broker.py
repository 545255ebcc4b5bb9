#!/usr/bin/env python3
"""A real Kafka broker on the loopback address, for tests and benchmarks: one node in KRaft mode.

    tests/support/kafka_broker.py FOLDER          starts one, prints its address, ends with Ctrl-C

Kafka's jars come from Maven once, into ${XDG_CACHE_HOME:-~/.cache}/millrace/tools; the broker's data stays in FOLDER.
Needs java, mvn and kcat (deploy/install-deps --all). Python's standard library only.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

from server_process import Missing, ServerProcess, free_ports, tool_folder

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>millrace</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.3.0</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>4.3.0</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
<version>2.25.4</version></dependency>
</dependencies></project>
"""
DOWNLOAD_SECONDS_MAX = 600
COMMAND_SECONDS_MAX = 120

SETTINGS = """process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{address}:{port},CONTROLLER://{address}:{controller}
advertised.listeners=PLAINTEXT://{address}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters=1@{address}:{controller}
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=8388608
log.retention.check.interval.ms=1000
"""
LOGGING = """rootLogger.level=WARN
rootLogger.appenderRef.s.ref=S
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=INFO
appender.s.type=Console
appender.s.name=S
appender.s.layout.type=PatternLayout
appender.s.layout.pattern=[%d] %p %m (%c)%n
"""


def libraries():
    """The folder of Kafka's jars, downloaded once for each version of the list above."""
    folder = tool_folder("kafka", POM)
    if (folder / "complete").is_file():
        return folder
    if shutil.which("mvn") is None:
        raise Missing("mvn is not installed: deploy/install-deps --all")
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    fresh.mkdir(parents=True)
    (fresh / "pom.xml").write_text(POM)
    done = subprocess.run(["mvn", "-q", "-B", "-f", fresh / "pom.xml", "dependency:copy-dependencies",
                           "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"],
                          capture_output=True, text=True, timeout=DOWNLOAD_SECONDS_MAX, check=False)
    if done.returncode != 0:
        shutil.rmtree(fresh)
        raise Missing("Kafka's jars could not be had from Maven: " + done.stdout[-500:])
    (fresh / "complete").touch()
    try:
        fresh.rename(folder)
    except OSError:  # another process was quicker
        shutil.rmtree(fresh)
    return folder


def check_tools():
    for tool in ("java", "kcat"):
        if shutil.which(tool) is None:
            raise Missing(f"{tool} is not installed: deploy/install-deps --all")


class KafkaBroker(ServerProcess):
    """One broker.

    On a `host` (cluster/network.py) it and the tools that ask it run there, and it listens at the host's address.
    """

    start_seconds_max = 90

    def __init__(self, folder, host=None):
        check_tools()
        self.jars = libraries()
        self.folder = pathlib.Path(folder).resolve() / "kafka"
        self.folder.mkdir(parents=True)
        super().__init__("the broker", self.folder)
        self.on_host = host.command if host else lambda *words: list(map(str, words))
        ip = host.address if host else "127.0.0.1"
        self.port, controller = (9092, 9093) if host else free_ports(2)
        self.address = f"{ip}:{self.port}"
        self.settings = self.folder / "server.properties"
        self.settings.write_text(SETTINGS.format(address=ip, port=self.port, controller=controller,
                                                 folder=self.folder))
        (self.folder / "log4j2.properties").write_text(LOGGING)
        if host:
            host.network.at_close.append(self.stop)
        identity = self.java("kafka.tools.StorageTool", "random-uuid").strip().splitlines()[-1]
        self.java("kafka.tools.StorageTool", "format", "-t", identity, "-c", self.settings)

    def command(self, *words):
        return self.on_host("java", "-XX:+UseSerialGC", "-Xms256m", "-Xmx256m",
                            f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}", "-cp", f"{self.jars}/*",
                            *words)

    def java(self, *words):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{words[0]} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
        return done.stdout

    def words(self):
        return self.command("kafka.Kafka", self.settings)

    def is_up(self):
        return "Kafka Server started" in self.said()

    def topics(self, *words):
        return self.java("org.apache.kafka.tools.TopicCommand", "--bootstrap-server", self.address, *words)

    def create_topic(self, name, partitions, **settings):
        configs = [word for key, value in settings.items()
                   for word in ("--config", f"{key.replace('_', '.')}={value}")]
        self.topics("--create", "--topic", name, "--partitions", partitions, "--replication-factor", 1, *configs)

    def produce(self, topic, partition, lines, *flags):
        """One message a line, in order; `flags` are kcat's: -Z makes empty ones null, -K: splits off a key."""
        done = subprocess.run(self.on_host("kcat", "-P", "-b", self.address, "-t", topic, "-p", partition, *flags),
                              input="".join(line + "\n" for line in lines), capture_output=True, text=True,
                              timeout=COMMAND_SECONDS_MAX, check=False)
        if done.returncode != 0:
            raise RuntimeError("kcat failed: " + done.stderr[-1000:])

    def consume(self, topic):
        """[(key, headers, value)] of all messages of committed transactions."""
        done = subprocess.run(self.on_host("kcat", "-C", "-b", self.address, "-t", topic, "-o", "beginning", "-e", "-q",
                                           "-X", "isolation.level=read_committed", "-f", "%k\\x1f%h\\x1f%s\\x1e"),
                              capture_output=True, timeout=COMMAND_SECONDS_MAX, check=False)
        if done.returncode != 0:
            raise RuntimeError("kcat failed: " + done.stderr.decode()[-1000:])
        rows = [row.split("\x1f") for row in done.stdout.decode().split("\x1e") if row]
        return [(key, dict(header.split("=", 1) for header in headers.split(",") if "=" in header), value)
                for key, headers, value in rows]

    def ends(self, topic, partitions):
        """The offset after the last record of each partition."""
        asked = [word for number in range(partitions) for word in ("-t", f"{topic}:{number}:-1")]
        done = subprocess.run(self.on_host("kcat", "-Q", "-b", self.address, *asked), capture_output=True, text=True,
                              timeout=COMMAND_SECONDS_MAX, check=True)
        rows = [re.match(r".*\[(\d+)\] offset (\d+)", line) for line in done.stdout.splitlines()]
        return {int(row.group(1)): int(row.group(2)) for row in rows if row}

    def committed(self, group):
        """Offsets that a group has committed, by (topic, partition)."""
        told = self.java("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--bootstrap-server",
                         self.address, "--describe", "--group", group)
        rows = [line.split() for line in told.splitlines() if line.startswith(group)]
        return {(row[1], int(row[2])): int(row[3]) for row in rows if row[3].isdigit()}


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        broker = KafkaBroker(sys.argv[1])
    except Missing as missing:
        print(f"kafka-broker: skipped: {missing}")
        raise SystemExit(1) from missing
    with broker, contextlib.suppress(KeyboardInterrupt):
        print(broker.address, flush=True)
        broker.process.wait()


if __name__ == "__main__":
    main()
