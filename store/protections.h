// SPDX-License-Identifier: Apache-2.0
// Protections of shared folders that the machine's administrator switches on for all disks (/proc/sys/fs/protected_*).
// In front of FUSE the kernel can't apply them, since permission is ours to judge: so they are applied here.
#pragma once
#include "store/requester.h"

namespace ward::store {

/// protected_hardlinks: no further name for what one can't read and write, or what has privileges.
bool may_be_linked(const Requester& who, const Inode& inode);
/// protected_symlinks: in a sticky folder that all may write, only one's own links and those of its owner are followed.
bool may_be_followed(const Requester& who, const Inode& folder, const Inode& link);
/// protected_regular, protected_fifos: in such a folder O_CREAT doesn't open what others made there before.
bool may_be_created_over(const Requester& who, const Inode& folder, const Inode& inode);

}  // namespace ward::store
