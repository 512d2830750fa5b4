/* spool.h - octets on their way into a directory: one file, visible whole or
 * not at all.
 *
 * What is appended stays in memory up to SPOOL_MEMORY octets and then flows
 * into a file without a name (O_TMPFILE; where the file system has none, a
 * hidden name ".tmp-…" made with O_EXCL). spool_commit gives it its name:
 * every write checked, fsync, link, fsync of the directory; only after it
 * returned true does the file exist, and then it survives a power cut.
 * A Spool that is freed without commit leaves nothing behind.
 *
 * After a failed fsync the octets are lost for good (a second fsync would lie),
 * so the spool is unusable then.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_MEMORY (256 * 1024)

typedef struct Spool Spool;

/* DIRFD is borrowed and must outlive the spool. The first RESERVE octets of the
 * file are left for spool_write_reserve. Nothing is created yet. */
Spool *spool_new (int dirfd, size_t reserve);
void spool_free (Spool *spool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Spool, spool_free)

/* Rather than leave less than OCTETS of the file system free, it fails, with
 * FAILURE_TEMPORARY; 0: as long as there is room. */
void spool_keep_free (Spool *spool, uint64_t octets);

/* FAILURE_CANNOT_CREATE where no file can be made, FAILURE_IO where it cannot
 * be written (disk full, quota), said with strerror. */
bool spool_append (Spool *spool, const void *octets, size_t length,
                   GError **error);

/* Octets appended so far, the reserve not counted. */
uint64_t spool_size (const Spool *spool);

/* CRC-32 (zlib's) of the octets appended so far. */
uint32_t spool_crc (const Spool *spool);

/* What was appended so far, as a file to be read with pread, where it begins at
 * *START. The descriptor is the spool's, until that is committed or freed. -1 with
 * ERROR set. */
int spool_fd (Spool *spool, uint64_t *start, GError **error);

/* The reserved octets at the start; LENGTH at most RESERVE. */
bool spool_write_reserve (Spool *spool, const void *octets, size_t length,
                          GError **error);

/* Commits as NAME in the directory (never over an existing file), locked: the
 * returned descriptor (read and write, O_CLOEXEC) holds an exclusive lock of
 * F_OFD_SETLK since before the name could be seen, so nobody else can be first.
 * The caller owns it; closing it unlocks. -1 with ERROR set otherwise. */
int spool_commit (Spool *spool, const char *name, GError **error);
