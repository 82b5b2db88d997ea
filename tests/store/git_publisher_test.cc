// SPDX-License-Identifier: Apache-2.0
// Goal: history follows the log: only durable records, in order, few large commits, nothing lost when something fails.
// Method: a log that is a counter with a durable mark, callbacks that can refuse, and stock git to read the result.
#include <atomic>
#include <chrono>

#include "store/error.h"
#include "store/publisher.h"
#include "tests/catch.h"
#include "tests/store/git_story.h"

using namespace ward::store;
using namespace ward::tests;
using namespace std::chrono_literals;

namespace {

/// A log whose records are only counted.
struct Log {
  explicit Log(const GitStory& story_in, std::chrono::milliseconds interval = 20ms)
      : story(story_in),
        publisher(GitHistory(story.repository()), "h1",
                  {[this] { return durable.load(); }, [this](const Publish& p) { record(p); }}, interval) {}

  void record(const Publish& publish) {
    if (refuse) throw Error(Code::no_space, "append to the log: no space left");
    const std::lock_guard lock(mutex);
    published.push_back(publish);
  }
  Sequence save(const std::string& path, std::uint32_t uid = 1000, std::vector<Author> authors = {}) {
    Record next;
    next.sequence = size++;
    next.time = 1'700'000'000'000'000'000 + static_cast<Nanos>(next.sequence);
    next.user = {uid, "user" + std::to_string(uid), uid, uid, ""};
    next.path = path;
    Commit commit;
    commit.version = next.sequence;
    const auto bytes = path + std::to_string(next.sequence);
    commit.sha256 = sha(bytes), commit.size = bytes.size(), commit.stage = "training",
    commit.authors = std::move(authors);
    next.payload = commit;
    if (all_durable) durable = size;
    publisher.observe(next);
    return next.sequence;
  }
  bool drain() { return publisher.drain(Publisher::Clock::now() + 600s); }

  const GitStory& story;
  Sequence size = 10;
  bool all_durable = true;
  std::atomic<Sequence> durable{0};
  std::atomic<bool> refuse{false};
  std::mutex mutex;
  std::vector<Publish> published;
  Publisher publisher;
};

}  // namespace

TEST_CASE("consecutive saves of one author become one commit that tells all", "[git]") {
  const GitStory story;
  Log log(story, 1h);  // only drain() publishes
  log.save("/models/m.bin");
  REQUIRE(log.drain());
  log.save("/a", 1000), log.save("/b", 1000), log.save("/c", 2000);
  REQUIRE(log.drain());
  CHECK(story.must("git -C history.git log --reverse --format=%an:%s main") ==
        "ward:start of history\nuser1000:save models/m.bin v10\nuser1000:save 2 files\nuser2000:save c v13\n");
  CHECK(story.must("git -C history.git log -1 --format=%B main") ==
        "save c v13\n\nWard-Version: c 13\nWard-Sha256: " + sha("/c13") +
            "\nWard-Stage: training\nWard-Log-Index: 13-13\n\n");
  REQUIRE(log.published.size() == 3);
  CHECK(log.published[1].first_seq == 11);
  CHECK(log.published[1].last_seq == 12);
  CHECK(log.published[2].commit + "\n" == story.must("git -C history.git rev-parse main"));
  CHECK(log.publisher.lag().records == 0);
}

TEST_CASE("the author is who wrote most; others and strangers are named", "[git]") {
  const GitStory story;
  Log log(story, 1h);
  log.save("/x", 2000);
  log.save("/m", 1000, {{1000, 1000, 5}, {2000, 2000, 900}, {77, 77, 1}});
  REQUIRE(log.drain());
  CHECK(story.must("git -C history.git log -1 --format=%an main") == "user2000\n");
  CHECK(story.must("git -C history.git log -1 --format=\"%(trailers:key=Co-authored-by,valueonly)\" main") ==
        "user1000 <user1000@h1>\nuid-77 <uid-77@h1>\n\n");
}

TEST_CASE("names of users and files can't forge a header or a trailer", "[git]") {
  const GitStory story;
  Log log(story, 1h);
  log.save("/m\nWard-Sha256: forged\n");
  REQUIRE(log.drain());
  CHECK(
      story.must("git -C history.git log -1 --format=\"%(trailers:key=Ward-Sha256,valueonly)\" main").find("forged") ==
      std::string::npos);
  CHECK(person("bob> <root@h1\nx", "h").name == "bobroot@h1x");
  CHECK(person("\xff", "").email == "unknown@localhost");
}

TEST_CASE("records that aren't durable stay out of history", "[git]") {
  const GitStory story;
  Log log(story);
  log.all_durable = false;
  log.durable = 11;
  log.save("/durable");
  log.save("/not-yet");
  CHECK_FALSE(log.drain());
  CHECK(log.publisher.lag().records == 1);
  CHECK(story.must("git -C history.git ls-tree --name-only main") == ".gitattributes\ndurable\n");
  log.durable = 12;
  CHECK(log.drain());
  CHECK(story.must("git -C history.git ls-tree --name-only main") == ".gitattributes\ndurable\nnot-yet\n");
}

TEST_CASE("a commit that can't be recorded is taken back and tried again", "[git]") {
  const GitStory story;
  Log log(story, 1h);
  log.save("/a");
  REQUIRE(log.drain());
  log.refuse = true;
  log.save("/b");
  CHECK_FALSE(log.drain());
  CHECK(log.publisher.lag().error.find("no space left") != std::string::npos);
  CHECK(story.must("git -C history.git rev-parse main") == log.published.back().commit + "\n");
  log.refuse = false;
  CHECK(log.drain());
  CHECK(log.publisher.lag().error.empty());
  CHECK(story.must("git -C history.git rev-list --count main") == "3\n");
}

TEST_CASE("changes that git can't show are counted, not lost silently", "[git]") {
  const GitStory story;
  Log log(story, 1h);
  Record bad;
  bad.sequence = log.size++, bad.path = "/bad", log.durable = log.size;
  Commit commit;
  commit.sha256 = "nonsense", commit.size = 3;
  bad.payload = commit;
  log.publisher.observe(bad);
  log.save("/good");
  CHECK(log.drain());
  CHECK(log.publisher.lag().left_out == 1);
  CHECK(log.publisher.lag().last_left_out.find("bad") != std::string::npos);
  CHECK(story.must("git -C history.git ls-tree --name-only main") == ".gitattributes\ngood\n");
}

TEST_CASE("two users who alternate in one large folder don't cost a commit per save", "[git]") {
  const GitStory story;
  Log log(story, 1h);
  for (int i = 0; i < 3000; ++i) log.save("/flat/" + std::to_string(i), i % 2 == 0 ? 1000 : 2000);
  REQUIRE(log.drain());
  CHECK(log.published.size() <= 64);
  CHECK(log.published.back().last_seq == log.size - 1);
  CHECK(story.must("git -C history.git ls-tree main:flat | wc -l") == "3000\n");
  CHECK(story.must("git -C history.git log -1 --format=\"%(trailers:key=Co-authored-by,valueonly)\" main")
            .find("user2000") != std::string::npos);
  Sequence next = 10;
  for (const auto& each : log.published) {
    CHECK(each.first_seq == next);
    next = each.last_seq + 1;
  }
}

TEST_CASE("10,000 saves in one folder are ten commits in one pack", "[git]") {
  const GitStory story;
  Log log(story, 1h);
  for (int i = 0; i < 10'000; ++i) log.save("/flat/" + std::to_string(i));
  REQUIRE(log.drain());
  CHECK(log.published.size() == 10);
  CHECK(story.must("git -C history.git ls-tree main:flat | wc -l") == "10000\n");
  CHECK(story.must("git -C history.git count-objects -v").find("packs: 1\n") != std::string::npos);
}

TEST_CASE("observing, draining and asking for the lag at once", "[git]") {
  const GitStory story;
  Log log(story, 1ms);
  std::atomic<bool> done{false};
  std::thread asking([&] {
    while (!done) static_cast<void>(log.publisher.lag()), log.publisher.drain(Publisher::Clock::now() + 5ms);
  });
  for (int i = 0; i < 500; ++i) log.save("/f" + std::to_string(i % 7), 1000 + static_cast<std::uint32_t>(i % 3));
  CHECK(log.drain());
  done = true;
  asking.join();
  CHECK(log.published.back().last_seq == log.size - 1);
  log.publisher.stop();
  log.save("/after");
  CHECK_FALSE(log.drain());  // stopped: what is left comes after the next start
}
