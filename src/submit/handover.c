#include "submit/handover.h"

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "submit/linger-channel.h"
#include "submit/signals.h"

/* Of a caller whose turn does not come: then a session of its own is no
 * slower. */
#define PATIENCE 10000 /* milliseconds */

/* Until somebody who has nothing in hand has ended. */
#define FAREWELL 500

void
handover_clear (Handover *handover)
{
  g_clear_pointer (&handover->text, g_free);
  g_clear_pointer (&handover->report, g_free);
}

static bool
offer (int fd, const Accounts *accounts, const Account *account,
       const Entry *entry, bool attended)
{
  g_autofree char *fingerprint = linger_fingerprint (accounts, account);
  LingerRequest request = { .kind = LINGER_MESSAGE, .attended = attended };
  Deadline deadline = deadline_in (PATIENCE);
  char octet;

  g_strlcpy (request.fingerprint, fingerprint, sizeof request.fingerprint);
  g_strlcpy (request.id, entry->id, sizeof request.id);
  return linger_say (fd, &request, sizeof request, entry->fd)
         && linger_hear (fd, &octet, 1, NULL, &deadline, true) == 1
         && octet == LINGER_READY;
}

/* What it says is no more trusted than the relay. */
static char *
printable_lines (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GString *printable = g_string_new (NULL);

  for (size_t i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++)
    {
      g_autofree char *line =
          text_printable (lines[i], strlen (lines[i]), LINGER_TEXT_MAXIMUM);

      g_string_append_printf (printable, "%s\n", line);
    }
  return g_string_free (printable, printable->len == 0);
}

static HandoverResult
read_answer (const char *answer, ssize_t length, Handover *handover)
{
  const char *text = answer + 2;
  const char *end;

  if (length < 3
      || (answer[0] != LINGER_VERDICT && answer[0] != LINGER_UNSETTLED))
    return HANDOVER_LOST;
  end = memchr (text, '\0', (size_t) length - 2);
  if (end == NULL)
    return HANDOVER_LOST;
  handover->exit_status = (unsigned char) answer[1];
  if (end != text)
    handover->text =
        text_printable (text, (size_t) (end - text), LINGER_TEXT_MAXIMUM);
  handover->report = printable_lines (end + 1);
  return answer[0] == LINGER_VERDICT ? HANDOVER_VERDICT : HANDOVER_UNSETTLED;
}

static HandoverResult
await_answer (int fd, int pidfd, Handover *handover)
{
  g_autofree char *answer = g_malloc (LINGER_ANSWER_MAXIMUM + 1);
  ssize_t length;

  /* Who answered is the one of PIDFD, and stays with our message until we let
   * go. */
  signals_pass_on_far (pidfd);
  length = linger_hear (fd, answer, LINGER_ANSWER_MAXIMUM, NULL, NULL, false);
  signals_pass_on_far (-1);
  answer[MAX (length, 0)] = '\0';
  return read_answer (answer, length, handover);
}

HandoverResult
handover_run (Queue *queue, const Accounts *accounts, const Account *account,
              const Entry *entry, bool attended, Handover *handover)
{
  HandoverResult result = HANDOVER_NONE;
  char go = LINGER_GO;
  int pidfd;
  int fd = linger_connect (queue, account->name, &pidfd);

  *handover = (Handover){ .exit_status = 0 };
  if (fd < 0)
    return HANDOVER_NONE;
  /* From here on the message is not ours until we hear of it again. */
  if (offer (fd, accounts, account, entry, attended)
      && linger_say (fd, &go, 1, -1))
    result = await_answer (fd, pidfd, handover);
  close (fd);
  close (pidfd);
  return result;
}

bool
handover_dismiss (Queue *queue, const char *account)
{
  LingerRequest request = { .kind = LINGER_LEAVE };
  Deadline deadline = deadline_in (FAREWELL);
  bool left;
  int pidfd;
  char octet;
  int fd = linger_connect (queue, account, &pidfd);

  if (fd < 0)
    return false;
  left = linger_say (fd, &request, sizeof request, -1)
         && linger_hear (fd, &octet, 1, NULL, &deadline, false) == 1;
  close (fd);
  close (pidfd);
  return left;
}
