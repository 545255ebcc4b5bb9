#!/usr/bin/env python3
"""The command line as a user meets it: help, documents, job files from data, what goes to stdout, predictions.

    tests/system/cli_test.py [build/release/bin/millrace] [CASE...]

Errors and their exit codes have errors_test.py, stopping and going on kill_resume_test.py.
"""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from program import ProgramTest, Running, call, main  # noqa: E402

USAGE, NOT_FOUND, UNREACHABLE = 2, 3, 5
JOB = "version: 1\nname: small\nsource: {path: rows.csv}\nschema: {label: y}\n"


def rows(count):
    draw = random.Random(7)
    lines = ["a,b,y"]
    for _ in range(count):
        a, b = draw.random(), draw.random()
        lines.append(f"{a:.4f},{b:.4f},{int(a > b)}")
    return "\n".join(lines) + "\n"


class CommandLine(ProgramTest):
    """Runs in its folder, with the state where it lies when nobody says otherwise."""

    def setUp(self):
        super().setUp()
        home = {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.state)}
        environment = unittest.mock.patch.dict(os.environ, home)
        environment.start()
        self.addCleanup(environment.stop)
        for name in ("MILLRACE_STATE", "MILLRACE_ENDPOINT"):
            os.environ.pop(name, None)

    def run_program(self, *words, code=0, stdin=""):
        return self.require_code(call(*words, cwd=self.folder, stdin=stdin), code)

    def train(self):
        """The summary, which is the one thing on stdout."""
        self.write("rows.csv", rows(2000))
        self.write("job.yaml", JOB)
        return json.loads(self.run_program("run", "job.yaml", "--output", "json").out)


class Usage(CommandLine):
    def test_every_help_names_its_command_and_shows_examples(self):
        verbs = re.findall(r"^  ([a-z]+) ", self.run_program("--help").out.split("Subcommands:")[1], re.MULTILINE)
        self.assertIn("run", verbs)
        below = [["model", "show"], ["job", "diff"], ["job", "delete"], *(["context", v] for v in ("add", "use", "list"))]
        for verb in [*[[v] for v in verbs if v != "millrace"], *below]:
            text = self.run_program(*verb, "--help").out
            self.assertIn("Examples:\n  ", text)
            self.assertIn("Usage: millrace " + " ".join(verb), text)

    def test_unknown_words_exit_2_and_name_the_nearest(self):
        for words, nearest in [(["rn"], "'run'"), (["run", "x.yaml", "--wokers", "2"], "'--workers'"),
                               (["model", "shwo"], "'show'"), (["docs", "job-fil"], "'job-file'")]:
            outcome = self.run_program(*words, code=USAGE)
            self.assertIn("did you mean " + nearest, outcome.err)
            self.assertEqual("", outcome.out)

    def test_docs_and_version_and_completion(self):
        self.assertIn("optimizer.learning_rate", self.run_program("docs", "job-file").out)
        schema = json.loads(self.run_program("docs", "job-file", "--output", "json").out)
        self.assertEqual(schema["properties"]["version"]["const"], 1)
        reference = self.run_program("docs", "cli").out
        for usage in ("millrace job delete [", "millrace context add [", "millrace wait ["):
            self.assertIn("Usage: " + usage, reference)
        for topic in ("cli", "exit-codes", "state"):
            self.assertTrue(self.run_program("docs", topic).out)
        version = json.loads(self.run_program("version", "--output", "json").out)
        self.assertIn(version["instruction_set"], ("AVX3", "AVX2", "scalar"))
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("workers", self.run_program("completion", shell).out)
        script = self.run_program("completion", "bash").out
        self.assertEqual(subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode, 0)


class Clusters(CommandLine):
    """What a cluster's verbs do without a cluster; integration_control_endpoint has the rest."""

    def setUp(self):
        super().setUp()
        os.environ["XDG_CONFIG_HOME"] = str(self.folder / "config")
        for name in ("MILLRACE_COORDINATOR", "MILLRACE_KEYS", "MILLRACE_CONTEXT"):
            os.environ.pop(name, None)

    def test_nobody_answers(self):
        self.write("job.yaml", JOB)
        for words in (["jobs"], ["status", "a"], ["submit", "job.yaml"], ["stop", "a"], ["workers"]):
            outcome = self.run_program(*words, "--coordinator", "tcp://127.0.0.1:1", code=UNREACHABLE)
            self.assertIn("tcp://127.0.0.1:1", outcome.err)
        error = json.loads(self.run_program("jobs", "--coordinator", "tcp://127.0.0.1:1", "-o", "json",
                                            code=UNREACHABLE).err)
        self.assertEqual(error["error"]["code"], "unreachable")

    def test_contexts_are_remembered_and_the_environment_wins_over_them(self):
        self.run_program("context", "add", "a", "--coordinator", "tcp://127.0.0.1:1")
        self.run_program("context", "add", "b", "--coordinator", "tcp://127.0.0.1:2")
        self.run_program("context", "use", "b")
        self.assertIn("127.0.0.1:2", self.run_program("jobs", code=UNREACHABLE).err)
        self.assertIn("127.0.0.1:1", self.run_program("jobs", "--context", "a", code=UNREACHABLE).err)
        os.environ["MILLRACE_COORDINATOR"] = "tcp://127.0.0.1:3"
        self.addCleanup(os.environ.pop, "MILLRACE_COORDINATOR", None)
        self.assertIn("127.0.0.1:3", self.run_program("jobs", code=UNREACHABLE).err)
        self.assertIn("known: a, b", self.run_program("jobs", "--context", "zzzz", code=NOT_FOUND).err)

    def test_plan_predicts_what_the_run_then_has(self):
        self.write("rows.csv", rows(5000))
        self.write("job.yaml", JOB)
        plan = json.loads(self.run_program("plan", "job.yaml", "--output", "json").out)
        summary = json.loads(self.run_program("run", "job.yaml", "--output", "json").out)
        self.assertEqual(plan["parameters"], summary["model"]["parameters"])
        self.assertEqual(plan["splits"], len(summary["splits"]))
        self.assertAlmostEqual(plan["records"], 5000, delta=50)
        self.assertGreater(plan["records_per_second"]["replica"], 0)
        self.assertIn("next: millrace submit job.yaml", self.run_program("plan", "job.yaml").out)

    def test_wrong_words_are_told(self):
        for words in (["wait", "a", "--for", "state=runing"], ["rescale", "a", "0"], ["top", "--interval", "0"],
                      ["events", "--max", "0"], ["jobs", "--coordinator", "nonsense"],
                      ["jobs", "--coordinator", "tcp://127.0.0.1:1", "--context", "x"],
                      ["submit", "job.yaml", "--timeout", "3"]):
            self.run_program(*words, code=USAGE)


class JobFiles(CommandLine):
    def test_a_valid_file_without_its_data_is_a_warning(self):
        self.write("job.yaml", JOB)
        self.assertIn("rows.csv", self.run_program("validate", "job.yaml").err)
        self.write("rows.csv", rows(3))
        self.assertEqual(self.run_program("validate", "job.yaml").err, "")

    def test_init_writes_a_file_that_validates(self):
        self.write("rows.csv", rows(100))
        text = self.run_program("init", "rows.csv", "--label", "y").out
        self.assertIn("100 of 100 values are numbers", text)
        self.write("job.yaml", text)
        self.run_program("validate", "job.yaml")
        self.assertIn("a, b, y", self.run_program("init", "rows.csv", code=USAGE).err)
        self.assertIn("did you mean 'y'", self.run_program("init", "rows.csv", "--label", "Y", code=USAGE).err)

    def test_overrides_are_checked(self):
        self.write("job.yaml", JOB)
        self.assertIn("did you mean 'optimizer'", self.run_program(
            "validate", "job.yaml", "--set", "optimiser.kind=sgd", code=USAGE).err)
        self.run_program("validate", "job.yaml", "--set", "optimizer.kind=sgd")


class Summaries(CommandLine):
    def test_a_summary_is_the_one_object_on_stdout(self):
        summary = self.train()
        self.assertEqual(summary["schema_version"], 1)
        self.assertEqual((summary["records"], summary["quarantined"], summary["state"]), (2000, 0, "finished"))
        self.assertGreater(summary["metrics"]["prequential"]["accuracy"], 0.7)
        self.assertEqual(sum(map(sum, summary["metrics"]["prequential"]["confusion_matrix"])), 2000)
        self.assertTrue((self.state / "millrace/small/checkpoints").is_dir())

    def test_data_and_label_need_no_job_file(self):
        self.write("rows.csv", rows(500))
        outcome = self.run_program("run", "rows.csv", "--label", "y", "--workers", "2")
        self.assertIn("job rows finished: 500 records", outcome.out)
        self.assertIn("baseline: majority", outcome.out)
        self.assertIn("\nnext:\n", outcome.out)
        self.assertIn("--label", self.run_program("run", "rows.csv", code=USAGE).err)


class Predicting(CommandLine):
    def test_rows_files_and_pipes_agree(self):
        self.train()
        by_row = json.loads(self.run_program("predict", "small", "--row", "a=0.9,b=0.1", "--output", "json").out)
        self.assertEqual(by_row["label"], "1")
        self.write("ask.csv", "a,b\n0.9,0.1\n0.1,0.9\n")
        answers = [json.loads(line) for line in
                   self.run_program("predict", "small", "--file", "ask.csv", "--output", "json").out.splitlines()]
        self.assertEqual([a["label"] for a in answers], ["1", "0"])
        self.assertEqual(answers[0]["probability"], by_row["probability"])
        piped = self.run_program("predict", "small", "--file", "-", "--no-header", stdin="0.9,0.1\n")
        self.assertIn("loaded into this process", piped.err)
        self.assertRegex(piped.out, r"\n1 +1 +0\.")

    def test_a_server_answers_as_the_process_does(self):
        self.train()
        server = Running(self.folder, "serve", "small", "--listen", "tcp://127.0.0.1:0", "--output", "json")
        self.addCleanup(server.kill)
        self.wait_for(lambda: "\n" in server.out.read_text(), "the server's endpoint")
        endpoint = json.loads(server.out.read_text().splitlines()[0])["endpoint"]
        ask = ["predict", "small", "--row", "a=0.3,b=0.2", "--output", "json"]
        remote = json.loads(self.run_program(*ask, "--endpoint", endpoint).out)
        local = json.loads(self.run_program(*ask).out)
        self.assertEqual(remote["probability"], local["probability"])
        server.signal(signal.SIGTERM)
        self.require_code(server.wait(30), 0)

    def test_nobody_at_the_endpoint_exits_5(self):
        self.run_program("predict", "small", "--row", "a=1", "--endpoint", "tcp://127.0.0.1:1", code=UNREACHABLE)

    def test_models_are_listed_and_shown(self):
        version = self.train()["model"]["version"]
        self.assertIn("small", self.run_program("models").out)
        shown = json.loads(self.run_program("model", "show", f"small@{version}", "--output", "json").out)
        self.assertEqual((shown["version"], shown["records"]), (version, 2000))
        self.assertIn("did you mean 'small'", self.run_program("model", "show", "smal", code=NOT_FOUND).err)
        self.run_program("predict", "small@999", "--row", "a=1", code=NOT_FOUND)


if __name__ == "__main__":
    main()
