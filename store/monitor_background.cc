// SPDX-License-Identifier: Apache-2.0
// The monitor's beginning, its work each second, and its end: durability of what was acknowledged, checkpoints,
// reaping.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "store/anchors.h"
#include "store/config.h"
#include "store/error.h"
#include "store/key_rotation.h"
#include "store/lock.h"
#include "store/monitor.h"
#include "store/prune.h"
#include "store/recovery.h"

namespace ward::store {

struct Monitor::Opening {
  explicit Opening(const std::filesystem::path& store) : config(load_config(store)), lock(store) {
    if (!config.anchors.empty()) check_writers(store, "the commands in [[anchor]] aren't run");
  }
  Config config;
  StoreLock lock;
};

Monitor::Monitor(const std::filesystem::path& store, Hooks hooks)
    : folder_(store),
      hooks_(std::move(hooks)),
      opening_(std::make_unique<Opening>(store)),
      objects_(store / "history.git" / "lfs" / "objects", store / "sums"),
      pool_(2) {
  ::prctl(PR_SET_DUMPABLE, 0);  // no core, no ptrace by the same user: the daemon holds keys and everybody's bytes
  Config& config = opening_->config;
  slots_ = std::make_unique<Slots>(store / "slots");
  log_.reset(new AuditLog(open_log(store, config)));  // which make_unique would have to move
  const auto host = config.origin.substr(0, config.origin.find('/'));
  const auto held = lock();  // the publisher records what it does: not before recovery is over
  catalog_ = open_catalog(store, *log_);
  start_publisher(host);
  ledger_ = std::make_unique<Ledger>(
      *log_, *catalog_, host, [this](const Record& entry) { publisher_->observe(entry); }, hooks_.ending);
  recover();
  keeper_ =
      std::make_unique<LogKeeper>(store / "audit", store / "index", [this](const auto& stop) { prune_log(stop); });
  start_anchors();
  background_thread_ = std::thread([this] { background(); });
}

Monitor::~Monitor() {
  {
    const std::scoped_lock lock(background_mutex_);
    stopping_ = true;
  }
  background_wake_.notify_all();
  if (background_thread_.joinable()) background_thread_.join();
  keeper_.reset();
  if (publisher_) publisher_->stop();
}

/// History may be behind the log, never ahead of it: it goes on from the newest commit that the log knows.
void Monitor::start_publisher(const std::string& host) {
  GitHistory history(folder_ / "history.git");
  const auto head = history.reset_to_recorded(
      [this](const std::string& commit) { return catalog_->published_by(commit).has_value(); });
  const auto last = catalog_->published_by(head);
  publisher_ = std::make_unique<Publisher>(std::move(history), host,
                                           Publisher::Callbacks{[this] { return make_durable(); },
                                                                [this](const Publish& publish) {
                                                                  const auto self = Requester::self();
                                                                  const auto held = lock();
                                                                  append(held, record(self, "", publish, {}),
                                                                         AuditLog::Space::reserved);
                                                                }});
  const Sequence from = last ? *last + 1 : 0;  // reads alone make no commit: there may be any number behind it
  if (catalog_->changed() > from) observe_unpublished(folder_ / "audit", from, *publisher_);
}

void Monitor::start_anchors() {
  const Config& config = opening_->config;
  anchors_ = std::make_unique<Anchors>(folder_ / "audit", config.origin, config.anchors,
                                       [this](const Anchor& run, const std::string& path, const std::string& reason) {
                                         const auto self = Requester::self();
                                         const auto held = lock();
                                         Record entry = record(self, path, run, {});
                                         entry.reason = reason;
                                         append(held, std::move(entry));
                                         return ledger_->next() - 1;
                                       });
}

void Monitor::recover() {
  const auto row = catalog_->policy();
  if (!row) throw Error(Code::corrupt, "the log holds no policy; run: ward fsck " + folder_.string());
  auto parsed = policy::parse(objects_.get(row->sha256));
  if (const auto* error = std::get_if<policy::ParseError>(&parsed))
    throw Error(Code::corrupt,
                "policy " + std::to_string(row->number) + " no longer parses: " + policy::to_string(*error));
  policy_ = std::get<policy::Policy>(parsed);
  policy_number_ = row->number;
  Recovery(folder_, objects_, *slots_, *log_, *catalog_, *ledger_).run();
  slots_->clear();
  empty_ = objects_.put("");
}

void Monitor::mounted(const Requester& who, const std::string& mountpoint, const std::string& options) {
  who.prepare();
  const auto held = lock();
  append(held, record(who, "/", Mount{mountpoint, "ward " WARD_VERSION, options}, {}));
}

void Monitor::unmounted(const Requester& who) {
  who.prepare();
  bool room = true;
  const auto with_room = [&](const auto& step) {  // what a full disk refuses, the next start does
    try {
      step();
    } catch (const Error& error) {
      if (!of_full_disk(error)) throw;
      room = false;
    }
  };
  std::vector<std::shared_ptr<Draft>> open;
  {
    const auto held = lock();
    for (const auto& [id, draft] : drafts_) open.push_back(draft);
  }
  for (const auto& draft : open) {  // the kernel is gone: nobody will close these
    const auto frozen = draft->freeze();
    const auto held = lock();
    draft->writers = draft->readers = 0;
    draft->pinned_until = 0;
    with_room([&] { retire(held, draft, frozen, who); });
  }
  record_refusals(true);
  with_room([&] { tick(); });
  if (room) publisher_->drain(Publisher::Clock::now() + std::chrono::seconds(30));
  {
    const auto held = lock();
    append(held, record(who, "/", Unmount{publisher_->lag().records == 0}, {}), AuditLog::Space::reserved);
  }
  log_->sync();
  tick();
  if (anchors_->finish()) tick();  // the last anchors have the unmount; their records come after it
}

void Monitor::background() {
  std::unique_lock lock(background_mutex_);
  while (!background_wake_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_; })) {
    lock.unlock();
    try {
      tick();
    } catch (const Error& error) {
      // No room, for bytes or for descriptors: tried again in a second. Anything else means that what was promised may
      // not be on disk: stop serving.
      std::fprintf(stderr, "ward: %s\n", error.what());
      if (!of_full_disk(error) && error.code() != Code::too_many) {
        hooks_.ending();
        std::_Exit(70);
      }
    }
    lock.lock();
  }
}

/// Runs beside everything else, on the keeper's thread.
void Monitor::prune_log(const std::function<bool()>& stop) {
  const auto keeping = [this](const Lock&) { return policy::log_keeping(*policy_).prune_after; };
  Nanos age = 0;
  Sequence limit = 0;
  {
    const auto held = lock();
    age = keeping(held);
    // What git history lacks is still to be read.
    limit = publisher_->lag().records == 0 ? flushed_ : std::min(flushed_, catalog_->published());
  }
  const auto boundary = age == 0 ? 0 : prune_boundary(folder_, now() - age, limit);
  if (boundary == 0) return;
  const auto prune = prepare_prune(folder_, boundary, stop);
  if (!prune) return;
  {
    const auto held = lock();
    if (keeping(held) != age) return;  // another policy since
    append(held, record(Requester::self(), "/", *prune, {}), AuditLog::Space::reserved);
  }
  log_->sync();
  log_->checkpoint();
  std::vector<Sequence> handles;
  for (const auto& handle : open_handles()) {
    handles.push_back(handle->id);
    const std::scoped_lock lock(handle->parties.mutex);
    for (const auto& [process, party] : handle->parties.by_process) handles.push_back(party->id);
  }
  keep_opens(folder_, prune->before, std::move(handles));
  delete_pruned(folder_, prune->before);
}

void Monitor::roll_log() {
  const auto started = log_->segment_time();
  Nanos most = 0;
  {
    const auto held = lock();
    most = policy::log_keeping(*policy_).roll;
  }
  if (most != 0 && started != 0 && now() - started >= most) log_->roll();
}

void Monitor::tick() {
  reap(now());
  record_refusals(false);
  roll_log();
  Sequence before = 0;
  {
    const auto held = lock();
    before = log_->size();
    if (catalog_->applied() == flushed_ && log_->synced() == before) return;
  }
  make_durable();
  {
    const auto held = lock();
    try {
      catalog_->flush();
    } catch (const Error&) {  // a full disk may have rolled it back: what the log says is redone in memory, at once
      if (catalog_->applied() < log_->size()) catch_up(folder_ / "audit", *catalog_);
      throw;
    }
    flushed_ = catalog_->applied();
  }
  // The few records since. The catalog was written, not synced, so that nobody waits for the disk behind the lock: one
  // that a power cut leaves ahead of the log is discarded at the next start.
  log_->sync();
  keeper_->wake(log_->checkpoint());
  anchors_->offer(log_->checkpoint_text());
  settle();  // of saves that no request ended
}

/// Objects and their folders, then the log that names them.
Sequence Monitor::make_durable() {
  const auto before = log_->size();
  const Fd store = open_file(folder_, O_RDONLY | O_DIRECTORY);
  if (::syncfs(store.get()) != 0) throw_errno("syncfs " + folder_.string());
  log_->sync();
  return before;
}

void Monitor::reap(Nanos time) {
  std::vector<std::shared_ptr<Draft>> idle;
  {
    const auto held = lock();
    sweep_orphans(held, time);
    for (const auto& [id, draft] : drafts_)
      if (draft->writers == 0 && draft->pinned_until <= time &&
          (draft->kind() == DraftKind::session || draft->readers == 0))
        idle.push_back(draft);
  }
  const auto self = Requester::self();
  for (const auto& draft : idle) {
    const auto frozen = draft->freeze();
    const auto held = lock();
    if (draft->pinned_until <= time) retire(held, draft, frozen, self);
  }
  constexpr Nanos kLongLived = 60'000'000'000;
  if (time - ranges_recorded_ < kLongLived) return;
  ranges_recorded_ = time;
  record_ranges();
}

std::vector<std::shared_ptr<Handle>> Monitor::open_handles() const {
  const auto held = lock();
  std::vector<std::shared_ptr<Handle>> open;
  for (const auto& [id, weak] : handles_)
    if (auto handle = weak.lock()) open.push_back(std::move(handle));
  return open;
}

/// Long-lived handles don't keep their ranges for themselves until the close, and processes that are done with one
/// nor their slots.
void Monitor::record_ranges() {
  const auto before = now() - 60'000'000'000;
  for (const auto& handle : open_handles()) {
    std::vector<std::shared_ptr<Handle>> users{handle}, ended;
    {
      const std::scoped_lock lock(handle->parties.mutex);
      take_idle(*handle, before, ended);
      for (const auto& [process, party] : handle->parties.by_process) users.push_back(party);
    }
    for (const auto& party : ended) end_party(*party);
    for (const auto& user : users)
      for (auto* notes : {user->read_notes.get(), user->write_notes.get()})
        if (notes != nullptr) notes->flush([&](const SlotContent& content) { spill(*user, content, false); });
  }
}

}  // namespace ward::store
