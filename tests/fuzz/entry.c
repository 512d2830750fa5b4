/* Any octets as a queue file, or, where the first is a 'T', as the parts of one
 * whose sizes and checksums are right: what is read is in itself sound, and a
 * record added to it is read back. */

#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <glib.h>

#include "queue/entry.h"

/* The part of *REST before the next NUL. */
static GString *
next_part (const char **rest, size_t *size)
{
  const char *end = memchr (*rest, '\0', *size);
  size_t length = end == NULL ? *size : (size_t) (end - *rest);
  GString *part = g_string_new_len (*rest, (gssize) length);

  length += end != NULL;
  *rest += length;
  *size -= length;
  return part;
}

static uint32_t
crc_of (const GString *text)
{
  return (uint32_t) crc32_z (0, (const Bytef *) text->str, text->len);
}

/* Header, envelope and records stand in DATA with a NUL between them. */
static GString *
build (const char *data, size_t size)
{
  g_autoptr (GString) header = next_part (&data, &size);
  g_autoptr (GString) envelope = next_part (&data, &size);
  g_autoptr (GString) content = g_string_new (header->str);
  g_autofree char *preamble = NULL;
  GString *file;

  g_string_append (content, envelope->str);
  preamble
      = entry_preamble (0, header->len, envelope->len, crc_of (content));
  file = g_string_new (preamble);
  g_string_append (file, content->str);
  while (size > 0)
    {
      g_autoptr (GString) record = next_part (&data, &size);

      g_string_append_printf (file, "%08x %s\n", crc_of (record),
                              record->str);
    }
  return file;
}

static void
check_status (const Status *status)
{
  g_assert (status->text != NULL && strchr (status->text, '\n') == NULL);
  g_assert (status->fate <= FATE_FAILED && status->scope <= SCOPE_ACCOUNT);
  g_assert (status->stage <= STAGE_QUIT && status->code <= 599);
}

static void
check (const Entry *entry, uint64_t size)
{
  size_t count = entry->envelope->forward_paths->len;
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Envelope) envelope = entry_owed (entry, &owed);

  g_assert (count > 0 && entry->statuses->len == count
            && entry->told->len == count
            && envelope->forward_paths->len == owed->len);
  g_assert (entry->end <= size);
  g_assert (entry->content.body.offset + entry->content.body.size
            <= entry->content.header.offset);
  g_assert (entry->content.header.offset + entry->content.header.size
            <= entry->end);
  g_assert (entry->waited >= 0);
  g_assert (strchr (entry->reason, '\n') == NULL);
  for (size_t i = 0; i < count; i++)
    if (entry->statuses->pdata[i] != NULL)
      check_status (entry->statuses->pdata[i]);
  (void) entry_due (entry, 1600000000);
}

static Entry *
read_copy (int fd, bool checked)
{
  int copy = dup (fd);
  Entry *entry = entry_read (copy, "0123456789ABCDEF", checked, NULL);

  if (entry == NULL)
    close (copy);
  return entry;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  bool parts = size > 0 && data[0] == 'T';
  g_autoptr (GString) file
      = parts ? build ((const char *) data + 1, size - 1)
              : g_string_new_len ((const char *) data, (gssize) size);
  int fd = memfd_create ("entry", MFD_CLOEXEC);
  g_autoptr (Entry) view = NULL;
  g_autoptr (Entry) entry = NULL;
  g_autoptr (Entry) again = NULL;

  if (write (fd, file->str, file->len) != (ssize_t) file->len)
    g_assert_not_reached ();
  view = read_copy (fd, false);
  entry = read_copy (fd, true);
  if (view != NULL)
    check (view, file->len);
  g_assert (entry == NULL || view != NULL);
  if (entry != NULL)
    {
      g_assert (entry_record_attempt (entry, 1600000000, NULL));
      again = read_copy (fd, true);
      g_assert (again != NULL && again->attempts == view->attempts + 1
                && again->end == entry->end);
    }
  close (fd);
  return 0;
}
