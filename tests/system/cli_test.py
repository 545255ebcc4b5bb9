#!/usr/bin/env python3
"""The command line as a user meets it: exit codes, what goes to stdout and to stderr, messages that help.

    tests/system/cli_test.py build/release/bin/millrace [-v]

Runs the real program in scratch folders; needs no network and no data but what it writes.
"""
import json
import os
import pathlib
import random
import re
import select
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = ""
JOB = "version: 1\nname: small\nsource: {path: rows.csv}\nschema: {label: y}\n"
SLOW = "version: 1\nname: slow\nsource: {path: rows.csv, max_records_per_second: 200}\nschema: {label: y}\n" \
       "checkpoint: {interval: 100ms}\n"


def rows(count, broken=0):
    draw = random.Random(7)
    lines = ["a,b,y"]
    for i in range(count):
        a, b = draw.random(), draw.random()
        lines.append(f"{a:.4f},{b:.4f},{int(a > b)}")
        if broken and i % broken == 0:
            lines.append('garbage,"unterminated')
    return "\n".join(lines) + "\n"


class CommandLine(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.environment = {**os.environ, "HOME": scratch.name, "XDG_STATE_HOME": f"{scratch.name}/state"}
        for name in ("MILLRACE_STATE", "MILLRACE_ENDPOINT"):
            self.environment.pop(name, None)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def start(self, *words):
        return subprocess.Popen([PROGRAM, *words], cwd=self.folder, env=self.environment, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run_program(self, *words, code=0, stdin=""):
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, env=self.environment, input=stdin,
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}\n{done.stderr}")
        return done

    def train(self):
        self.write("rows.csv", rows(2000))
        self.write("job.yaml", JOB)
        return json.loads(self.run_program("run", "job.yaml", "--output", "json").stdout)


class Usage(CommandLine):
    def test_every_help_names_its_command_and_shows_examples(self):
        verbs = re.findall(r"^  ([a-z]+) ", self.run_program("--help").stdout.split("Subcommands:")[1], re.MULTILINE)
        self.assertIn("run", verbs)
        for verb in [*[[v] for v in verbs if v != "millrace"], ["model", "show"]]:
            text = self.run_program(*verb, "--help").stdout
            self.assertIn("Examples:\n  ", text)
            self.assertIn("Usage: millrace " + " ".join(verb), text)

    def test_unknown_words_exit_2_and_name_the_nearest(self):
        for words, nearest in [(["rn"], "'run'"), (["run", "x.yaml", "--wokers", "2"], "'--workers'"),
                               (["model", "shwo"], "'show'"), (["docs", "job-fil"], "'job-file'")]:
            done = self.run_program(*words, code=2)
            self.assertIn("did you mean " + nearest, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_errors_are_objects_on_stderr_under_json(self):
        done = self.run_program("run", "--wokers", "2", "--output", "json", code=2)
        error = json.loads(done.stderr)
        self.assertEqual(error["error"]["code"], "invalid_argument")
        self.assertEqual(error["exit_code"], 2)
        self.assertEqual(done.stdout, "")
        done = self.run_program("run", "none.yaml", "--output", "json", code=3)
        self.assertIn("none.yaml", json.loads(done.stderr)["error"]["message"])

    def test_docs_and_version_and_completion(self):
        self.assertIn("optimizer.learning_rate", self.run_program("docs", "job-file").stdout)
        schema = json.loads(self.run_program("docs", "job-file", "--output", "json").stdout)
        self.assertEqual(schema["properties"]["version"]["const"], 1)
        for topic in ("cli", "exit-codes", "state"):
            self.assertTrue(self.run_program("docs", topic).stdout)
        version = json.loads(self.run_program("version", "--output", "json").stdout)
        self.assertIn(version["instruction_set"], ("AVX3", "AVX2", "scalar"))
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("workers", self.run_program("completion", shell).stdout)
        script = self.run_program("completion", "bash").stdout
        self.assertEqual(subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode, 0)


class JobFiles(CommandLine):
    def test_a_typo_is_named_with_line_key_and_nearest_word(self):
        self.write("typo.yaml", "version: 1\nsorce: {path: a.csv}\nschema: {label: y}\n")
        for verb in ("validate", "run"):
            done = self.run_program(verb, "typo.yaml", code=2)
            self.assertIn("typo.yaml:2:1: sorce: unknown key 'sorce'; did you mean 'source'?", done.stderr)
        report = json.loads(self.run_program("validate", "typo.yaml", "--output", "json", code=2).stdout)
        self.assertFalse(report["valid"])
        self.assertEqual((report["problems"][0]["key"], report["problems"][0]["line"]), ("sorce", 2))

    def test_a_valid_file_without_its_data_is_a_warning(self):
        self.write("job.yaml", JOB)
        self.assertIn("rows.csv", self.run_program("validate", "job.yaml").stderr)
        self.write("rows.csv", rows(3))
        self.assertEqual(self.run_program("validate", "job.yaml").stderr, "")

    def test_init_writes_a_file_that_validates(self):
        self.write("rows.csv", rows(100))
        text = self.run_program("init", "rows.csv", "--label", "y").stdout
        self.assertIn("100 of 100 values are numbers", text)
        self.write("job.yaml", text)
        self.run_program("validate", "job.yaml")
        self.assertIn("a, b, y", self.run_program("init", "rows.csv", code=2).stderr)
        self.assertIn("did you mean 'y'", self.run_program("init", "rows.csv", "--label", "Y", code=2).stderr)

    def test_overrides_are_checked(self):
        self.write("job.yaml", JOB)
        self.assertIn("did you mean 'optimizer'", self.run_program(
            "validate", "job.yaml", "--set", "optimiser.kind=sgd", code=2).stderr)
        self.run_program("validate", "job.yaml", "--set", "optimizer.kind=sgd")


class Running(CommandLine):
    def test_a_summary_is_the_one_object_on_stdout(self):
        summary = self.train()
        self.assertEqual(summary["schema_version"], 1)
        self.assertEqual((summary["records"], summary["quarantined"], summary["state"]), (2000, 0, "finished"))
        self.assertGreater(summary["metrics"]["prequential"]["accuracy"], 0.7)
        self.assertEqual(sum(map(sum, summary["metrics"]["prequential"]["confusion_matrix"])), 2000)

    def test_a_finished_job_shows_its_summary_again(self):
        first = self.train()
        again = json.loads(self.run_program("run", "job.yaml", "--output", "json").stdout)
        self.assertEqual(again["records"], 2000)
        self.assertEqual(again["model"]["digest"], first["model"]["digest"])

    def test_another_model_conflicts_with_what_is_stored_until_fresh(self):
        self.train()
        change = ["--set", "optimizer={kind: sgd}"]
        self.assertIn("--fresh", self.run_program("run", "job.yaml", *change, code=4).stderr)
        self.run_program("run", "job.yaml", *change, "--fresh")

    def test_data_and_label_need_no_job_file(self):
        self.write("rows.csv", rows(500))
        done = self.run_program("run", "rows.csv", "--label", "y", "--workers", "2")
        self.assertIn("job rows finished: 500 records", done.stdout)
        self.assertIn("baseline: majority", done.stdout)
        self.assertIn("\nnext:\n", done.stdout)
        self.assertIn("--label", self.run_program("run", "rows.csv", code=2).stderr)

    def test_broken_rows_are_quarantined_and_counted(self):
        self.write("rows.csv", rows(1000, broken=100))
        self.write("job.yaml", JOB)
        summary = json.loads(self.run_program("run", "job.yaml", "--output", "json").stdout)
        self.assertEqual((summary["records"], summary["quarantined"]), (1000, 10))
        self.assertEqual(summary["read"], summary["records"] + summary["quarantined"] + summary["skipped"])
        self.run_program("run", "job.yaml", "--fresh", "--set", "source.max_quarantined=5", code=1)

    def test_missing_data_is_named(self):
        self.write("job.yaml", JOB)
        self.assertIn("rows.csv", self.run_program("run", "job.yaml", code=3).stderr)

    def interrupt(self, number, code, state):
        self.write("rows.csv", rows(2000))
        self.write("slow.yaml", SLOW)
        process = self.start("run", "slow.yaml", "--output", "json")
        for line in process.stderr:
            if json.loads(line).get("records", 0) > 0:
                break
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, code, err)
        summary = json.loads(out)
        self.assertEqual(summary["state"], state)
        return summary["records"]

    def test_ctrl_c_stops_after_a_checkpoint_and_the_job_goes_on_from_it(self):
        learned = self.interrupt(signal.SIGINT, 130, "interrupted")
        done = self.run_program("run", "slow.yaml", "--set", "source.max_records_per_second=1e6", "--output", "json")
        summary = json.loads(done.stdout)
        self.assertEqual(summary["records"], 2000)
        self.assertGreaterEqual(summary["resumed_from"], learned)

    def test_a_terminated_run_drains_and_ends_with_0(self):
        self.interrupt(signal.SIGTERM, 0, "stopped")


class Predicting(CommandLine):
    def test_rows_files_and_pipes_agree(self):
        self.train()
        row = self.run_program("predict", "small", "--row", "a=0.9,b=0.1", "--output", "json")
        by_row = json.loads(row.stdout)
        self.assertEqual(by_row["label"], "1")
        self.write("ask.csv", "a,b\n0.9,0.1\n0.1,0.9\n")
        answers = [json.loads(line) for line in
                   self.run_program("predict", "small", "--file", "ask.csv", "--output", "json").stdout.splitlines()]
        self.assertEqual([a["label"] for a in answers], ["1", "0"])
        self.assertEqual(answers[0]["probability"], by_row["probability"])
        piped = self.run_program("predict", "small", "--file", "-", "--no-header", stdin="0.9,0.1\n")
        self.assertIn("loaded into this process", piped.stderr)
        self.assertRegex(piped.stdout, r"\n1 +1 +0\.")

    def test_a_server_answers_as_the_process_does(self):
        self.train()
        server = self.start("serve", "small", "--listen", "tcp://127.0.0.1:0", "--output", "json")
        self.addCleanup(server.communicate)
        self.addCleanup(server.kill)
        ready, _, _ = select.select([server.stdout], [], [], 30)
        self.assertTrue(ready, "the server says nothing")
        endpoint = json.loads(server.stdout.readline())["endpoint"]
        ask = ["predict", "small", "--row", "a=0.3,b=0.2", "--output", "json"]
        remote = json.loads(self.run_program(*ask, "--endpoint", endpoint).stdout)
        local = json.loads(self.run_program(*ask).stdout)
        self.assertEqual(remote["probability"], local["probability"])
        port = endpoint.rsplit(":", 1)[1]
        self.assertIn(port, self.run_program("serve", "small", "--listen", f"tcp://127.0.0.1:{port}", code=4).stderr)
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(timeout=30), 0)

    def test_nobody_at_the_endpoint_exits_5(self):
        self.run_program("predict", "small", "--row", "a=1", "--endpoint", "tcp://127.0.0.1:1", code=5)

    def test_models_are_listed_and_shown(self):
        version = self.train()["model"]["version"]
        self.assertIn("small", self.run_program("models").stdout)
        shown = json.loads(self.run_program("model", "show", f"small@{version}", "--output", "json").stdout)
        self.assertEqual((shown["version"], shown["records"]), (version, 2000))
        self.assertIn("did you mean 'small'", self.run_program("model", "show", "smal", code=3).stderr)
        self.run_program("predict", "small@999", "--row", "a=1", code=3)


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
