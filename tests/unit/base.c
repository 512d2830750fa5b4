/* What base/ promises: printable text, classed statuses, files that appear
 * whole or not at all, secrets that are where they should be. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <zlib.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/crc.h"
#include "base/deadline.h"
#include "base/failure.h"
#include "base/secret.h"
#include "base/spool.h"
#include "base/status.h"
#include "base/text.h"
#include "tests/unit/directory.h"

static void
test_text_printable (void)
{
  static const struct
  {
    const char *in;
    size_t maximum;
    const char *out;
  } cases[] = {
    { "plain", 100, "plain" },
    { "tab\tand\r\nline", 100, "tab and  line" },
    { "\033[31mred\007", 100, "?[31mred?" },
    { "gr\303\274n", 100, "gr\303\274n" },
    { "bad \377 byte", 100, "bad ? byte" },
    { "c1 \302\233 csi", 100, "c1 ? csi" },
    { "bidi \342\200\256 override", 100, "bidi ? override" },
    { "1234567890", 10, "1234567890" },
    { "12345678901", 10, "1234567..." },
    { "123456\303\274\303\274\303\274", 10, "123456..." },
    { "", 10, "" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *out = text_printable (
          cases[i].in, strlen (cases[i].in), cases[i].maximum);

      g_assert_cmpstr (out, ==, cases[i].out);
    }
}

static char *
printable_line (const char *format, ...)
{
  va_list arguments;
  char *line;

  va_start (arguments, format);
  line = text_printable_line (format, arguments);
  va_end (arguments);
  return line;
}

static void
test_text_printable_line (void)
{
  g_autofree char *huge = g_strnfill (100000, 'x');
  g_autofree char *plain = printable_line ("%s is %d\n", "gr\303\274n", 1);
  g_autofree char *ended = printable_line ("%s\n\n", "a\n");
  g_autofree char *foreign
      = printable_line ("a %s b", "\n\033\302\233\342\201\246\377");
  g_autofree char *cut = printable_line ("%s\n", huge);

  g_assert_cmpstr (plain, ==, "gr\303\274n is 1\n");
  g_assert_cmpstr (ended, ==, "a \n\n");
  g_assert_cmpstr (foreign, ==, "a  ???? b");
  g_assert_cmpuint (strlen (cut), ==, 8192 + 1);
  g_assert_true (g_str_has_suffix (cut, "x...\n"));
}

static void
test_failure_errno (void)
{
  g_autoptr (GError) error = NULL;

  failure_set_errno (&error, FAILURE_IO, ENOENT, "cannot read %s",
                     "a\nb\033\302\205");
  g_assert_cmpstr (error->message, ==,
                   "cannot read a b??: No such file or directory");
}

/* The cells of the table of stages and replies. */
static void
test_status_replies (void)
{
  static const struct
  {
    Stage stage;
    int code;
    EnhancedCode enhanced;
    const char *text;
    Fate fate;
    Scope scope;
    int exit_status;
  } cases[] = {
    { STAGE_GREETING, 421, {}, "", FATE_DELAYED, SCOPE_ACCOUNT, EX_OK },
    { STAGE_GREETING, 554, {}, "", FATE_DELAYED, SCOPE_ACCOUNT, EX_OK },
    { STAGE_EHLO, 502, {}, "", FATE_DELAYED, SCOPE_ACCOUNT, EX_OK },
    { STAGE_STARTTLS, 454, {}, "", FATE_DELAYED, SCOPE_ACCOUNT, EX_OK },
    { STAGE_STARTTLS, 502, {}, "", FATE_DELAYED, SCOPE_ACCOUNT, EX_OK },
    { STAGE_AUTH, 454, {}, "", FATE_DELAYED, SCOPE_ACCOUNT, EX_OK },
    { STAGE_AUTH, 432, {}, "", FATE_DELAYED, SCOPE_ACCOUNT, EX_OK },
    { STAGE_AUTH, 535, {}, "", FATE_HELD, SCOPE_ACCOUNT, EX_NOPERM },
    { STAGE_AUTH, 550, { 5, 7, 30 }, "", FATE_HELD, SCOPE_ACCOUNT,
      EX_NOPERM },
    { STAGE_MAIL, 421, {}, "", FATE_DELAYED, SCOPE_ACCOUNT, EX_OK },
    { STAGE_MAIL, 452, {}, "", FATE_DELAYED, SCOPE_MESSAGE, EX_OK },
    { STAGE_MAIL, 530, {}, "", FATE_HELD, SCOPE_ACCOUNT, EX_NOPERM },
    { STAGE_MAIL, 552, {}, "", FATE_FAILED, SCOPE_MESSAGE, EX_UNAVAILABLE },
    { STAGE_MAIL, 550, { 5, 7, 60 }, "", FATE_FAILED, SCOPE_MESSAGE,
      EX_UNAVAILABLE },
    { STAGE_RCPT, 450, {}, "", FATE_DELAYED, SCOPE_RECIPIENT, EX_OK },
    { STAGE_RCPT, 550, {}, "", FATE_FAILED, SCOPE_RECIPIENT, EX_NOUSER },
    { STAGE_RCPT, 554, {}, "", FATE_FAILED, SCOPE_RECIPIENT,
      EX_UNAVAILABLE },
    { STAGE_RCPT, 501, {}, "", FATE_FAILED, SCOPE_RECIPIENT, EX_DATAERR },
    { STAGE_DATA, 451, {}, "", FATE_DELAYED, SCOPE_MESSAGE, EX_OK },
    { STAGE_DATA, 554, {}, "", FATE_FAILED, SCOPE_MESSAGE, EX_UNAVAILABLE },
    { STAGE_CONTENT, 554, {}, "", FATE_FAILED, SCOPE_MESSAGE,
      EX_UNAVAILABLE },
    { STAGE_END_OF_DATA, 250, {}, "", FATE_RELAYED, SCOPE_MESSAGE, EX_OK },
    { STAGE_END_OF_DATA, 451, {}, "", FATE_DELAYED, SCOPE_MESSAGE, EX_OK },
    { STAGE_END_OF_DATA, 554, {}, "", FATE_FAILED, SCOPE_MESSAGE,
      EX_UNAVAILABLE },
    { STAGE_END_OF_DATA, 554, { 5, 6, 0 }, "", FATE_FAILED, SCOPE_MESSAGE,
      EX_DATAERR },
    { STAGE_END_OF_DATA, 550, { 5, 4, 5 }, "", FATE_DELAYED, SCOPE_ACCOUNT,
      EX_OK },
    { STAGE_END_OF_DATA, 554, { 5, 2, 0 }, "SubmissionQuotaExceeded",
      FATE_DELAYED, SCOPE_ACCOUNT, EX_OK },
    { STAGE_END_OF_DATA, 554, { 5, 2, 0 }, "mailbox", FATE_FAILED,
      SCOPE_MESSAGE, EX_UNAVAILABLE },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Status) status = status_new_reply (
          cases[i].stage, cases[i].code, cases[i].enhanced, cases[i].text);

      g_test_message ("%s %d", stage_name (cases[i].stage), cases[i].code);
      g_assert_cmpint (status->fate, ==, cases[i].fate);
      g_assert_cmpint (status->scope, ==, cases[i].scope);
      g_assert_cmpint (status->exit_status, ==, cases[i].exit_status);
      g_assert_false (status->ambiguous);
    }
}

static void
test_status_failures (void)
{
  g_autoptr (GError) lost
      = g_error_new_literal (FAILURE, FAILURE_TEMPORARY, "lost\n");
  g_autoptr (GError) absent
      = g_error_new_literal (FAILURE, FAILURE_CREDENTIAL, "absent");
  g_autoptr (Status) before = status_new_failure (STAGE_CONTENT, lost);
  g_autoptr (Status) after = status_new_failure (STAGE_END_OF_DATA, lost);
  g_autoptr (Status) held = status_new_failure (STAGE_CREDENTIAL, absent);

  g_assert_cmpint (before->fate, ==, FATE_DELAYED);
  g_assert_false (before->ambiguous);
  g_assert_cmpstr (before->text, ==, "lost ");
  g_assert_cmpint (after->fate, ==, FATE_DELAYED);
  g_assert_true (after->ambiguous);
  g_assert_cmpint (held->fate, ==, FATE_HELD);
  g_assert_cmpint (held->exit_status, ==, EX_NOPERM);
}

static void
test_status_names (void)
{
  for (Stage stage = STAGE_ACCOUNT; stage <= STAGE_QUIT; stage++)
    {
      Stage back;

      g_assert_true (stage_from_name (stage_name (stage), &back));
      g_assert_cmpint (back, ==, stage);
    }
  for (Fate fate = FATE_RELAYED; fate <= FATE_FAILED; fate++)
    {
      Fate back;

      g_assert_true (fate_from_name (fate_name (fate), &back));
      g_assert_cmpint (back, ==, fate);
    }
}

/* Of each length and at each place, and over parts. */
static void
test_crc (void)
{
  unsigned char octets[700];

  for (size_t i = 0; i < sizeof octets; i++)
    octets[i] = (unsigned char) (i * 31 + i / 251);
  for (size_t length = 0; length <= 600; length++)
    {
      const unsigned char *start = octets + length % 67;
      size_t part = length / 3;
      uint32_t crc = crc_update (0, start, part);

      g_assert_cmphex (crc, ==, crc32_z (0, start, part));
      crc = crc_update (crc, start + part, length - part);
      g_assert_cmphex (crc, ==, crc32_z (0, start, length));
    }
  g_assert_cmphex (crc_update (0, "123456789", 9), ==, 0xcbf43926);
}

/* Of each length, with one octet that is not ASCII, wherever it is. */
static void
test_text_8bit (void)
{
  char octets[100];

  memset (octets, 0x7f, sizeof octets);
  for (size_t length = 0; length <= sizeof octets; length++)
    {
      g_assert_false (text_is_8bit (octets, length));
      for (size_t i = 0; i < length; i++)
        {
          octets[i] = (char) 0x80;
          g_assert_true (text_is_8bit (octets, length));
          g_assert_false (text_is_8bit (octets, i));
          octets[i] = 0x7f;
        }
    }
}

static void
test_secret (void)
{
  g_autoptr (Secret) secret = secret_new ("a\0b", 3);
  g_autoptr (Secret) built = secret_new_empty (10);

  g_assert_cmpmem (secret_octets (secret), (int) secret_length (secret),
                   "a\0b", 3);
  g_assert_cmpuint (secret_length (built), ==, 0);
  memcpy (secret_buffer (built), "0123456789", 10);
  secret_set_length (built, 4);
  g_assert_cmpstr (secret_octets (built), ==, "0123");
}

/* They share pages, or do not, by their size and number; nobody shall see that. */
static void
test_many_secrets (void)
{
  Secret *secrets[100] = { NULL };

  for (unsigned round = 0; round < 1000; round++)
    {
      Secret **secret = &secrets[round * 37 % G_N_ELEMENTS (secrets)];
      size_t capacity = round * round * 31 % (round % 9 == 0 ? 9000 : 300);
      char *octets;

      secret_free (*secret);
      *secret = secret_new_empty (capacity);
      octets = secret_buffer (*secret);
      for (size_t i = 0; i <= capacity; i++)
        g_assert_cmpint (octets[i], ==, 0);
      memset (octets, (int) (round % 255) + 1, capacity);
      secret_set_length (*secret, capacity);
    }
  for (unsigned i = 0; i < G_N_ELEMENTS (secrets); i++)
    {
      const char *octets = secret_octets (secrets[i]);

      for (size_t j = 1; j < secret_length (secrets[i]); j++)
        g_assert_cmpint (octets[j], ==, octets[0]);
      secret_free (secrets[i]);
    }
}

/* A child has nothing of its parent's, and may make and free its own beside it. */
static void
test_secret_in_child (void)
{
  g_autoptr (Secret) secret = secret_new ("parent", 6);
  pid_t child = fork ();
  int status;

  if (child == 0)
    {
      Secret *own = secret_new ("child", 5);
      bool clean = secret_octets (secret)[0] == '\0' && own != secret;

      secret_free (g_steal_pointer (&secret));
      clean = clean && strcmp (secret_octets (own), "child") == 0;
      secret_free (own);
      _exit (clean ? 0 : 1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpstr (secret_octets (secret), ==, "parent");
}

static void
test_deadline (void)
{
  Deadline soon = deadline_in (5000);
  Deadline later = deadline_in (60000);

  g_assert_true (deadline_passed (deadline_in (0)));
  g_assert_cmpint (deadline_poll (deadline_in (0)), ==, 0);
  g_assert_false (deadline_passed (later));
  g_assert_cmpint (deadline_poll (soon), >, 4000);
  g_assert_cmpint (deadline_poll (soon), <=, 5000);
}

static unsigned
empty (Directory *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory->path, 0, NULL);
  unsigned count = 0;
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory->path, name, NULL);

      g_unlink (path);
      count++;
    }
  return count;
}

static void
tear_down (Directory *directory, const void *data)
{
  empty (directory);
  directory_tear_down (directory, data);
}

/* Sizes around the limit of what stays in memory. */
static void
test_spool_commit (Directory *directory, const void *data)
{
  static const size_t sizes[]
      = { 0, 1, SPOOL_MEMORY - 1, SPOOL_MEMORY, SPOOL_MEMORY + 1,
          3 * SPOOL_MEMORY + 17 };

  for (size_t i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (Spool) spool = spool_new (directory->fd, 8);
      g_autofree char *octets = g_malloc (sizes[i] + 1);
      g_autofree char *path = g_build_filename (directory->path, "A", NULL);
      g_autofree char *back = NULL;
      gsize length;
      int fd;

      for (size_t j = 0; j < sizes[i]; j++)
        octets[j] = (char) (j * 31 + j / 251);
      g_assert_true (spool_append (spool, octets, sizes[i] / 3, &error));
      g_assert_true (spool_append (spool, octets + sizes[i] / 3,
                                   sizes[i] - sizes[i] / 3, &error));
      g_assert_cmpuint (spool_size (spool), ==, sizes[i]);
      g_assert_true (spool_write_reserve (spool, "preamble", 8, &error));
      fd = spool_commit (spool, "A", &error);
      g_assert_no_error (error);
      g_assert_cmpint (fd, >=, 0);
      close (fd);
      g_assert_true (g_file_get_contents (path, &back, &length, &error));
      g_assert_cmpuint (length, ==, sizes[i] + 8);
      g_assert_cmpmem (back, 8, "preamble", 8);
      g_assert_cmpmem (back + 8, (int) sizes[i], octets, (int) sizes[i]);
      g_assert_cmpuint (empty (directory), ==, 1);
    }
}

static void
test_spool_discard (Directory *directory, const void *data)
{
  Spool *spool = spool_new (directory->fd, 0);
  g_autofree char *octets = g_malloc0 (2 * SPOOL_MEMORY);

  g_assert_true (spool_append (spool, octets, 2 * SPOOL_MEMORY, NULL));
  spool_free (spool);
  g_assert_cmpuint (empty (directory), ==, 0);
}

static void
test_spool_never_replaces (Directory *directory, const void *data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Spool) first = spool_new (directory->fd, 0);
  g_autoptr (Spool) second = spool_new (directory->fd, 0);
  int fd = spool_commit (first, "A", &error);

  g_assert_no_error (error);
  g_assert_cmpint (spool_commit (second, "A", &error), ==, -1);
  g_assert_error (error, FAILURE, FAILURE_CANNOT_CREATE);
  close (fd);
}

static void
test_spool_locked (Directory *directory, const void *data)
{
  g_autoptr (Spool) spool = spool_new (directory->fd, 0);
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  int fd = spool_commit (spool, "A", NULL);
  int other = openat (directory->fd, "A", O_RDWR | O_CLOEXEC);

  g_assert_cmpint (fcntl (other, F_OFD_SETLK, &lock), ==, -1);
  close (fd);
  g_assert_cmpint (fcntl (other, F_OFD_SETLK, &lock), ==, 0);
  close (other);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/text/printable", test_text_printable);
  g_test_add_func ("/base/text/printable-line", test_text_printable_line);
  g_test_add_func ("/base/failure/errno", test_failure_errno);
  g_test_add_func ("/base/text/8bit", test_text_8bit);
  g_test_add_func ("/base/crc", test_crc);
  g_test_add_func ("/base/status/replies", test_status_replies);
  g_test_add_func ("/base/status/failures", test_status_failures);
  g_test_add_func ("/base/status/names", test_status_names);
  g_test_add_func ("/base/secret", test_secret);
  g_test_add_func ("/base/secret/many", test_many_secrets);
  g_test_add_func ("/base/secret/child", test_secret_in_child);
  g_test_add_func ("/base/deadline", test_deadline);
#define SPOOL_TEST(path, function)                                            \
  g_test_add (path, Directory, NULL, directory_set_up, function,              \
              tear_down)
  SPOOL_TEST ("/base/spool/commit", test_spool_commit);
  SPOOL_TEST ("/base/spool/discard", test_spool_discard);
  SPOOL_TEST ("/base/spool/never-replaces", test_spool_never_replaces);
  SPOOL_TEST ("/base/spool/locked", test_spool_locked);
  return g_test_run ();
}
