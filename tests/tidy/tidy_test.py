#!/usr/bin/env python3
"""Each rule of tidy finds what it is for, and lets through what is right."""
import unittest

import tidy
import tree

HEADER = "// What it is.\n#pragma once\n"


def found(**files):
    """Messages about files given as path=text; `__` stands for / and `_DOT_` for a dot in a keyword."""
    listed = [tree.File(path.replace("__", "/").replace("_DOT_", "."), text) for path, text in files.items()]
    return [str(finding) for finding in tidy.findings(tree.Tree.of(listed))]


def about(path, text, *others):
    listed = [tree.File(path, text)] + [tree.File(other, "") for other in others]
    return [str(finding) for finding in tidy.findings(tree.Tree.of(listed)) if finding.path == path]


class Arrows(unittest.TestCase):
    def refused(self, path, include):
        messages = about(path, f'#include {include}\n')
        self.assertTrue(any("includes" in m or "include <" in m for m in messages), f"{path} {include}: {messages}")

    def allowed(self, path, include):
        self.assertEqual(about(path, f'#include {include}\n'), [])

    def test_common_depends_on_neither_program(self):
        self.refused("common/ml/a.cpp", '"worker/core/b.hpp"')
        self.refused("common/base/a.cpp", '"common/data/b.hpp"')
        self.refused("common/data/a.cpp", '"common/ml/b.hpp"')
        self.allowed("common/ml/a.cpp", '"common/pipeline/b.hpp"')
        self.allowed("common/ml/kernels/a.cpp", '"common/ml/b.hpp"')

    def test_cores_include_only_what_decides(self):
        self.refused("worker/core/a.cpp", '"common/store/b.hpp"')
        self.refused("worker/core/a.cpp", '"worker/sources/b.hpp"')
        self.refused("coordinator/core/a.cpp", '"worker/core/b.hpp"')
        self.refused("coordinator/core/a.cpp", "<thread>")
        self.refused("coordinator/core/a.cpp", "<fstream>")
        self.allowed("coordinator/core/a.cpp", '"coordinator/core/b.hpp"')
        self.allowed("coordinator/core/a.cpp", '"common/data/b.hpp"')
        self.allowed("coordinator/core/a.cpp", "<chrono>")

    def test_libraries_stay_where_they_belong(self):
        self.refused("worker/training/a.cpp", "<caf/all.hpp>")
        self.allowed("worker/actors/a.cpp", "<caf/all.hpp>")
        self.allowed("coordinator/main.cpp", "<caf/all.hpp>")
        self.allowed("coordinator/cli/embedded_cluster.cpp", "<caf/all.hpp>")
        self.refused("coordinator/cli/run_command.cpp", "<caf/all.hpp>")
        self.refused("worker/serving/a.cpp", "<zmq.hpp>")
        self.allowed("common/net/a.cpp", "<zmq.hpp>")
        self.refused("common/net/a.cpp", "<openssl/x509.h>")
        self.refused("coordinator/cli/a.cpp", "<sodium.h>")
        self.allowed("common/security/a.cpp", "<openssl/x509v3.h>")
        self.allowed("common/base/a.cpp", "<openssl/evp.h>")
        self.refused("worker/training/a.cpp", "<rocksdb/db.h>")
        self.allowed("common/store/a.cpp", "<rocksdb/db.h>")
        self.refused("worker/serving/a.cpp", '"schemas/prediction.capnp.h"')
        self.allowed("common/wire/a.cpp", '"schemas/prediction.capnp.h"')
        self.allowed("tests/contract/a.cpp", "<rocksdb/db.h>")

    def test_programs_meet_only_in_the_embedded_run(self):
        self.refused("coordinator/registry/a.cpp", '"worker/core/b.hpp"')
        self.refused("worker/core/a.cpp", '"coordinator/core/b.hpp"')
        self.allowed("coordinator/cli/embedded_run.cpp", '"worker/actors/b.hpp"')
        self.allowed("tests/simulation/a.cpp", '"worker/core/b.hpp"')

    def test_heavy_headers_stay_in_their_folder(self):
        heavy, reader = HEADER + "#include <nlohmann/json.hpp>\n", '#include "common/config/a.hpp"\n'
        self.assertEqual(len(found(common__config__a_DOT_hpp=heavy, common__data__b_DOT_hpp=HEADER + reader)), 1)
        self.assertEqual(found(common__config__a_DOT_hpp=heavy, common__config__b_DOT_cpp=reader), [])
        self.allowed("common/config/a.cpp", "<nlohmann/json.hpp>")


class Core(unittest.TestCase):
    def test_clocks_randomness_and_files_are_passed_in(self):
        for line in ["auto t = std::chrono::steady_clock::now();", "std::mutex m;", "int x = rand();",
                     "std::random_device d;", "auto f = fopen(p, m);", "x = time(nullptr);"]:
            self.assertEqual(len(about("worker/core/a.cpp", line + "\n")), 1, line)

    def test_words_that_only_look_like_calls_pass(self):
        for line in ["// time(now) is passed in", "auto x = event.time();", "int event_time(int);", 'f("rand()");',
                     "std::chrono::milliseconds interval;"]:
            self.assertEqual(about("worker/core/a.cpp", line + "\n"), [], line)

    def test_hash_order_never_decides(self):
        text = "std::unordered_map<int, int> pushes;\nfor (const auto& p : pushes) {\n}\n"
        self.assertEqual(len(about("worker/core/a.cpp", text)), 1)
        self.assertEqual(about("worker/training/a.cpp", text), [])


class Style(unittest.TestCase):
    def test_headers_explain_themselves(self):
        self.assertEqual(len(about("common/base/a.hpp", "int x;\n")), 2)
        self.assertEqual(about("common/base/a.hpp", HEADER), [])

    def test_sizes_are_bounded(self):
        self.assertEqual(len(about("common/base/a.cpp", "int x;\n" * 401)), 1)
        self.assertEqual(about("common/base/a.cpp", "int x;\n" * 400), [])
        self.assertEqual(len(about("common/base/a.hpp", HEADER + "int x;\n" * 249)), 1)
        long_function = "void f() {\n" + "  g();\n" * 80 + "}\n"
        self.assertIn("warning", about("common/base/a.cpp", long_function)[0])

    def test_names_say_something(self):
        self.assertEqual(len(about("common/base/a.cpp", "class JobManager {\n};\n")), 1)
        self.assertEqual(len(about("common/base/a.cpp", "struct NodeInfo {\n};\n")), 1)
        self.assertEqual(about("common/base/a.cpp", "struct Information {\n};\n"), [])
        self.assertEqual(len(about("common/base/string_utils.cpp", "")), 1)
        self.assertEqual(len(about("common/base/CamelCase.cpp", "")), 1)

    def test_one_name_has_one_meaning(self):
        body = HEADER + "namespace millrace {\nstruct Push {\n};\n}\n"
        messages = found(common__a__x_DOT_hpp=body, common__b__y_DOT_hpp=body)
        self.assertEqual(len(messages), 1)
        inside = HEADER + "namespace millrace {\nstruct Push::State {\n};\n}\n"
        self.assertEqual(found(common__a__x_DOT_hpp=body, common__b__y_DOT_hpp=inside), [])
        other = body.replace("namespace millrace", "namespace millrace::wire")
        self.assertEqual(found(common__a__x_DOT_hpp=body, common__b__y_DOT_hpp=other), [])

    def test_plain_text(self):
        self.assertEqual(len(about("common/base/a.cpp", "\tint x;\n")), 1)
        self.assertEqual(len(about("common/base/a.cpp", "int x; \n")), 1)
        self.assertEqual(len(about("common/base/a.cpp", "int x;")), 1)
        self.assertEqual(len(about("common/base/a.cpp", "// TO" + "DO later\n")), 1)
        self.assertEqual(len(about("docs/a.md", "see /ro" + "ot/x\n")), 1)


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        self.assertEqual(len(about("docs/a.md", "[x](gone.md)\n")), 1)
        self.assertEqual(about("docs/a.md", "[x](b.md) [y](../README.md) [z](https://example.org)\n", "docs/b.md", "README.md"), [])
        self.assertEqual(len(about("docs/a.md", "# One thing\n[x](#other)\n")), 1)
        self.assertEqual(about("docs/a.md", "# One thing\n[x](#one-thing)\n"), [])

    def test_commands_say_whether_they_are_run(self):
        self.assertEqual(len(about("README.md", "```sh\nls\n```\n")), 1)
        self.assertEqual(about("README.md", "```sh run\nls\n```\n"), [])
        self.assertEqual(len(about("README.md", "```sh show\ndeploy/gone\n```\n")), 1)
        self.assertEqual(about("README.md", "```sh show\ndeploy/quickstart\n```\n", "deploy/quickstart"), [])

    def test_installed_packages_have_their_terms_stated(self):
        packages = "packages=(\n  # tools\n  cmake libx-dev\n)\n"
        self.assertEqual(len(found(**{"deploy__install-deps": packages, "docs__licences_DOT_md": "`cmake`\n"})), 1)
        self.assertEqual(found(**{"deploy__install-deps": packages, "docs__licences_DOT_md": "`cmake` `libx-dev`\n"}), [])

    def test_figures_come_from_the_file(self):
        text = "accuracy 0.9<!-- figure: e.accuracy -->\n"
        self.assertEqual(len(found(README_DOT_md=text)), 1)
        self.assertEqual(found(README_DOT_md=text, docs__figures_DOT_json='{"e.accuracy": {"value": 0.9}}\n'), [])
        self.assertEqual(len(found(README_DOT_md=text, docs__figures_DOT_json='{"e.accuracy": {"value": 0.8}}\n')), 1)


class Metrics(unittest.TestCase):
    NAMES = "common__observe__metric_names_DOT_hpp"

    def messages(self, definition, page="| `millrace_a_total` |", user="metric::kA", **others):
        files = {self.NAMES: HEADER + definition, "docs__metrics_DOT_md": page + "\n",
                 "common__observe__a_DOT_cpp": f"void f() {{ use({user}); }}\n", **others}
        return [message for message in found(**files) if "[metrics]" in message]

    def test_a_metric_is_named_moved_and_told(self):
        definition = 'inline constexpr CounterDefinition kA = {\n    "millrace_a_b_total", "A."};\n'
        page = "| `millrace_a_b_total` |"
        self.assertEqual(self.messages(definition, page), [])
        self.assertIn("has no row", self.messages(definition, "")[0])
        self.assertIn("is not in", self.messages(definition, page + "\n| `millrace_a_c_total` |")[0])
        self.assertIn("moved by nobody", self.messages(definition, page, user="metric::kB")[0])
        for kind in ("Gauge", "Histogram"):
            self.assertEqual(len(self.messages(definition.replace("Counter", kind), page)), 1)
        for name in ("millrace_total", "millrace_A_b_total", "app_a_b_total"):
            messages = self.messages(definition.replace("millrace_a_b_total", name), f"| `{name}` |")
            self.assertTrue(any("are named" in message for message in messages), messages)

    def test_no_metric_is_named_elsewhere(self):
        self.assertEqual(len(about("worker/a.cpp", 'auto name = "millrace_a_b_total";\n')), 1)
        self.assertEqual(about("tests/unit/a.cpp", 'auto name = "millrace_a_b_total";\n'), [])


if __name__ == "__main__":
    unittest.main()
