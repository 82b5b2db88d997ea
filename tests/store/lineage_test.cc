// SPDX-License-Identifier: Apache-2.0
// Goal: a version lists what it was really made from, and no more. Method: each test tells what a few processes did, in
// order, as a shell would have started them, and then asks for the inputs of what was saved. The processes are made up;
// process_test.cc shows that real ones look like this.
#include "store/lineage.h"

#include "tests/catch.h"

using namespace ward::store;

namespace {

const VersionRef kData{100, 1}, kOther{200, 3}, kThird{300, 1}, kOutput{900, 2};

/// A process as Lineage sees it. Each has a start and an exec mark of its own.
class Program {
 public:
  /// The first process of a session: `executable` leads it.
  explicit Program(const std::string& executable) {
    caller_.session = caller_.group = caller_.pid;
    finish(executable, {});
  }

  /// A child that exec'd another program.
  Program run(const std::string& executable) const {
    Program child = fork();
    child.exec(executable);
    return child;
  }
  /// A child that goes on with this program and its memory.
  Program fork() const {
    Program child(*this);
    const Ancestor me{caller_.pid,         caller_.session,   caller_.group,
                      caller_.start_ticks, caller_.exec_mark, caller_.entity_id};
    child.caller_.pid = ++last_pid, child.caller_.start_ticks = ++clock;
    child.caller_.parent = caller_.pid;
    Family family = *caller_.family;
    family.ancestors.insert(family.ancestors.begin(), me);
    child.finish(caller_.executable, family);
    return child;
  }
  void exec(const std::string& executable) {
    caller_.exec_mark = ++last_mark;
    finish(executable, *caller_.family);
  }
  Program& own_group() { return caller_.group = caller_.pid, *this; }
  Program& own_session() { return caller_.session = caller_.group = caller_.pid, *this; }
  Program& pipes(std::uint64_t in, std::uint64_t out) {
    Family family = *caller_.family;
    family.pipe_in = in, family.pipe_out = out;
    finish(caller_.executable, family);
    return *this;
  }

  const Caller& caller() const { return caller_; }
  const std::string& id() const { return caller_.entity_id; }
  static void wait(std::uint64_t ticks) { clock += ticks; }

 private:
  void finish(const std::string& executable, const Family& family) {
    caller_.known = true;
    caller_.executable = executable;
    caller_.entity_id = std::to_string(caller_.pid) + "/" + std::to_string(caller_.exec_mark);
    caller_.family = std::make_shared<Family>(family);
  }

  static inline std::int32_t last_pid = 1000;
  static inline std::uint64_t clock = 5000, last_mark = 1;
  Caller caller_ = [] {
    Caller fresh;
    fresh.pid = ++last_pid, fresh.start_ticks = ++clock, fresh.exec_mark = ++last_mark;
    return fresh;
  }();
};

/// What a job-control shell does for one command.
Program command(const Program& shell, const std::string& executable) {
  auto child = shell.fork();
  child.own_group();
  child.exec(executable);
  return child;
}

std::vector<Input> inputs_of(const Lineage& lineage, std::vector<std::string> writers,
                             Lineage::Tick last_write = Lineage::kAlways) {
  return lineage.inputs(writers, kOutput, last_write);
}

using Found = std::vector<Input>;

}  // namespace

TEST_CASE("a record that couldn't be written is due at the next open") {
  Lineage lineage;
  const Program program("/usr/bin/python3");
  CHECK(lineage.seen(program.caller()));
  CHECK_FALSE(lineage.seen(program.caller()));
  lineage.not_recorded(program.caller());
  lineage.read(program.caller(), {1, 1});
  CHECK(lineage.seen(program.caller()));
  CHECK_FALSE(lineage.seen(program.caller()));
}

TEST_CASE("what a program reads before it writes is its output's input") {
  Lineage lineage;
  const Program train = Program("/usr/bin/bash").run("/usr/bin/python3");
  lineage.read(train.caller(), kOther);
  lineage.read(train.caller(), kData);
  lineage.read(train.caller(), kData);
  CHECK(inputs_of(lineage, {train.id()}) == Found{{kData, "observed", "high"}, {kOther, "observed", "high"}});
}

TEST_CASE("what it reads after its last write isn't") {
  Lineage lineage;
  const Program train("/usr/bin/python3");
  lineage.read(train.caller(), kData);
  const auto last_write = lineage.now();
  lineage.read(train.caller(), kOther);
  lineage.read(train.caller(), kData);  // again: the first time counts
  CHECK(inputs_of(lineage, {train.id()}, last_write) == Found{{kData, "observed", "high"}});
}

TEST_CASE("a version never lists itself, but may list the one before") {
  Lineage lineage;
  const Program tune("/usr/bin/python3");
  const VersionRef before{kOutput.artifact, kOutput.version - 1}, after{kOutput.artifact, kOutput.version + 1};
  for (const auto& version : {before, kOutput, after}) lineage.read(tune.caller(), version);
  CHECK(inputs_of(lineage, {tune.id()}) == Found{{before, "observed", "high"}});
}

TEST_CASE("a forked child has what its parent had read by then") {
  Lineage lineage;
  const Program parent("/usr/bin/python3");
  lineage.read(parent.caller(), kData);
  const Program child = parent.fork();
  lineage.seen(child.caller());
  lineage.read(parent.caller(), kOther);  // after the fork: the child can't know it
  CHECK(inputs_of(lineage, {child.id()}) == Found{{kData, "inherited", "high"}});
}

TEST_CASE("a grandchild has what the grandparent had read when it forked the parent") {
  Lineage lineage;
  const Program grandparent("/usr/bin/python3");
  lineage.read(grandparent.caller(), kData);
  const Program parent = grandparent.fork();
  lineage.read(parent.caller(), kThird);
  lineage.read(grandparent.caller(), kOther);
  const Program child = parent.fork();
  lineage.seen(child.caller());
  CHECK(inputs_of(lineage, {child.id()}) == Found{{kData, "inherited", "high"}, {kThird, "inherited", "high"}});
}

TEST_CASE("across an exec only arguments go on: low confidence") {
  Lineage lineage;
  Program program("/usr/bin/python3");
  lineage.read(program.caller(), kData);
  const Program child = program.run("/usr/bin/tar");
  lineage.seen(child.caller());
  program.exec("/usr/bin/gzip");
  lineage.seen(program.caller());
  CHECK(inputs_of(lineage, {child.id()}) == Found{{kData, "inherited", "low"}});
  CHECK(inputs_of(lineage, {program.id()}) == Found{{kData, "inherited", "low"}});
}

TEST_CASE("cat a > b: the shell's child opens b, becomes cat, and reads a") {
  Lineage lineage;
  const Program shell("/usr/bin/bash");
  Program child = shell.fork();
  child.own_group();
  lineage.seen(child.caller());
  const auto opener = child.id();
  child.exec("/usr/bin/cat");
  lineage.read(child.caller(), kData);
  CHECK(inputs_of(lineage, {opener}) == Found{{kData, "observed", "high"}});
}

TEST_CASE("cat a | gzip > b is linked by the pipe") {
  Lineage lineage;
  const Program shell("/usr/bin/bash");
  Program cat = shell.fork().own_group().pipes(0, 71);
  Program gzip = shell.fork().pipes(71, 0);
  gzip.exec("/usr/bin/gzip"), cat.exec("/usr/bin/cat");
  lineage.read(cat.caller(), kData);
  lineage.seen(gzip.caller());
  CHECK(inputs_of(lineage, {gzip.id()}) == Found{{kData, "inherited", "low"}});
  CHECK(inputs_of(lineage, {cat.id()}) == Found{{kData, "observed", "high"}});
}

TEST_CASE("cat a | tee t | gzip > b is linked through the middle") {
  Lineage lineage;
  const Program shell("/usr/bin/bash");
  const Program cat = shell.run("/usr/bin/cat").pipes(0, 71), tee = shell.run("/usr/bin/tee").pipes(71, 72),
                gzip = shell.run("/usr/bin/gzip").pipes(72, 0);
  lineage.read(cat.caller(), kData);
  lineage.seen(tee.caller());
  lineage.seen(gzip.caller());
  CHECK(inputs_of(lineage, {gzip.id()}) == Found{{kData, "inherited", "low"}});
}

TEST_CASE("cat a | sort | gzip > b is linked although sort opens nothing") {
  Lineage lineage;
  const Program script("/usr/bin/sh");
  const Program cat = script.run("/usr/bin/cat").pipes(0, 71), gzip = script.run("/usr/bin/gzip").pipes(72, 0);
  lineage.read(cat.caller(), kData);
  lineage.seen(gzip.caller());
  CHECK(inputs_of(lineage, {gzip.id()}) == Found{{kData, "inherited", "low"}});

  SECTION("the next pipeline of the script isn't") {
    Program::wait(200);
    const Program later = script.run("/usr/bin/gzip").pipes(74, 0);
    lineage.seen(later.caller());
    CHECK(inputs_of(lineage, {later.id()}).empty());
  }
}

TEST_CASE("train.sh | tee log: the log has what the script's commands read, they don't have each other's") {
  Lineage lineage;
  const Program shell("/usr/bin/bash");
  const Program script = shell.run("/usr/bin/sh").pipes(0, 71), tee = shell.run("/usr/bin/tee").pipes(71, 0);
  const Program prep = script.run("/usr/bin/python3"), fit = script.run("/usr/bin/python3");
  lineage.read(prep.caller(), kData);
  lineage.read(fit.caller(), kOther);
  lineage.seen(tee.caller());
  CHECK(inputs_of(lineage, {tee.id()}) == Found{{kData, "inherited", "low"}, {kOther, "inherited", "low"}});
  CHECK(inputs_of(lineage, {fit.id()}) == Found{{kOther, "observed", "high"}});
}

TEST_CASE("two commands of an interactive shell have nothing to do with each other") {
  Lineage lineage;
  const Program shell("/usr/bin/bash");
  lineage.read(shell.caller(), kThird);  // read x < third
  const Program first = command(shell, "/usr/bin/python3"), second = command(shell, "/usr/bin/cp");
  lineage.read(first.caller(), kData);
  lineage.read(second.caller(), kOther);
  CHECK(inputs_of(lineage, {second.id()}) == Found{{kOther, "observed", "high"}});
  CHECK(inputs_of(lineage, {first.id()}) == Found{{kData, "observed", "high"}});
  // echo > b by the shell itself: not what its commands read, and who knows whether it is what it read.
  CHECK(inputs_of(lineage, {shell.id()}) == Found{{kThird, "observed", "low"}});
}

TEST_CASE("in a shell script only real reads count") {
  Lineage lineage;
  const Program script = Program("/usr/bin/bash").run("/usr/bin/sh");
  lineage.read(script.caller(), kThird);  // train.sh itself
  Program prep = script.fork();           // python prep.py A > T
  lineage.seen(prep.caller());
  const auto opener = prep.id();
  prep.exec("/usr/bin/python3");
  lineage.read(prep.caller(), kData);
  const Program fit = script.run("/usr/bin/python3");  // python fit.py, which loads T
  lineage.read(fit.caller(), kOther);
  CHECK(inputs_of(lineage, {opener}) == Found{{kData, "observed", "high"}, {kThird, "inherited", "low"}});
  CHECK(inputs_of(lineage, {fit.id()}) == Found{{kOther, "observed", "high"}, {kThird, "inherited", "low"}});
}

TEST_CASE("data-loader workers read, the parent saves") {
  Lineage lineage;
  const Program train = Program("/usr/bin/bash").run("/usr/bin/python3");
  lineage.seen(train.caller());
  const Program forked = train.fork(), spawned = train.run("/usr/bin/python3"), apart = train.fork().own_session();
  lineage.read(forked.caller(), kData);
  lineage.read(spawned.caller(), kOther);
  lineage.read(apart.caller(), kThird);
  const auto last_write = lineage.now();
  lineage.read(forked.caller(), {400, 1});
  CHECK(inputs_of(lineage, {train.id()}, last_write) ==
        Found{{kData, "descendant", "low"}, {kOther, "descendant", "low"}, {kThird, "descendant", "low"}});
}

TEST_CASE("of several bases the surest stays, whoever of the writers has it") {
  Lineage lineage;
  const Program parent("/usr/bin/python3");
  lineage.read(parent.caller(), kData);
  const Program child = parent.fork();
  lineage.read(child.caller(), kData);
  lineage.read(child.caller(), kOther);
  CHECK(inputs_of(lineage, {child.id()}) == Found{{kData, "observed", "high"}, {kOther, "observed", "high"}});
  CHECK(inputs_of(lineage, {parent.id()}) == Found{{kData, "observed", "high"}, {kOther, "descendant", "low"}});
  CHECK(inputs_of(lineage, {parent.id(), child.id(), "unheard-of"}) ==
        Found{{kData, "observed", "high"}, {kOther, "observed", "high"}});
}

TEST_CASE("a process that has the pid of one before it has nothing else of it") {
  Lineage lineage;
  const Program first("/usr/bin/python3");
  lineage.read(first.caller(), kData);
  Caller second = first.caller();
  second.start_ticks += 1000, second.exec_mark += 1000, second.entity_id = "another";
  lineage.read(second, kOther);
  CHECK(inputs_of(lineage, {"another"}) == Found{{kOther, "observed", "high"}});
}

TEST_CASE("an activity is new once, and nobody unknown is one") {
  Lineage lineage;
  const Program program("/usr/bin/python3");
  CHECK(lineage.seen(program.caller()));
  CHECK_FALSE(lineage.seen(program.caller()));
  lineage.read(Caller{}, kData);
  CHECK_FALSE(lineage.seen(Caller{}));
  CHECK(lineage.activities() == 1);
  CHECK(lineage.reads() == 0);
}

TEST_CASE("memory is bounded") {
  Lineage lineage({.activities = 10, .reads_per_activity = 5, .reads = 20});
  SECTION("of the reads of one the most recent stay") {
    const Program scan("/usr/bin/rsync");
    for (Id id = 1; id <= 100; ++id) lineage.read(scan.caller(), {id, 1});
    const auto inputs = inputs_of(lineage, {scan.id()});
    REQUIRE(inputs.size() == 5);
    CHECK(inputs.front().of == VersionRef{96, 1});
    CHECK(lineage.reads() == 5);
  }
  SECTION("activities go that were idle longest, but not the ancestors of one at work") {
    const Program parent("/usr/bin/python3");
    lineage.read(parent.caller(), kData);
    const Program worker = parent.fork();
    for (int i = 0; i < 100; ++i) {
      lineage.read(Program("/usr/bin/cp").caller(), kOther);
      lineage.seen(worker.caller());
    }
    CHECK(lineage.activities() == 10);
    CHECK(inputs_of(lineage, {worker.id()}) == Found{{kData, "inherited", "high"}});
  }
  SECTION("all reads together") {
    for (int i = 0; i < 8; ++i) {
      const Program scan("/usr/bin/rsync");
      for (Id id = 1; id <= 5; ++id) lineage.read(scan.caller(), {id, 1});
    }
    CHECK(lineage.reads() <= 20);
    CHECK(lineage.activities() == 4);
  }
}

TEST_CASE("parts of programs are no material") {
  CHECK(is_material("/data/train.csv"));
  CHECK(is_material("/models/model.sow.bin"));
  for (const char* path : {"/lib/libm.so", "/lib/libm.so.6", "/v/lib/site-packages/torch/config.json",
                           "/src/__pycache__/a.pyc", "/src/.git/HEAD"})
    CHECK_FALSE(is_material(path));
}
