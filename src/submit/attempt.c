#include "submit/attempt.h"

#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <glib/gi18n.h>

#include "account/credential.h"
#include "base/log.h"
#include "queue/backoff.h"
#include "queue/login.h"
#include "smtp/session.h"
#include "smtp/tls-credentials.h"
#include "smtp/token.h"
#include "smtp/transaction.h"
#include "submit/apart.h"
#include "submit/fit.h"
#include "submit/signals.h"

/* Relays close a session that carries too many messages, or slow it down; and
   with several accounts each gets its turn. */
#define SESSION_MESSAGES 100

/* Milliseconds until a relay that answers has acknowledged a command, on the worst of
   ways; a new session is never wrong. */
#define DOUBT 5000

/* Sessions for what one that is open does not take. What is left waits. */
#define MOVES 5

/* Secrets that one message asks for at the most: for its first session, for one in
   place of that, and for its moves, and each may have to be renewed. */
#define MESSAGE_CREDENTIALS (2 * (2 + MOVES))

/* Of whatever others do with the command that prints the token. */
#define TOKEN_PATIENCE (2 * 60 * 1000)

#define CODE_REFUSED 535 /* RFC 4954 section 6 */

/* One message, as this session can carry it. */
typedef struct
{
  Courier *courier;
  Entry *entry; /* borrowed */
  Fit fit;
  Transaction transaction;
} Load;

struct Courier
{
  const Account *account;
  CourierParams params;
  Relay relay;      /* the account's, but for what is remembered */
  Session *session; /* NULL: none is open */
  unsigned carried; /* messages, in this session */
  Queue *queue;     /* of the attempt that goes on */
  Load *next;       /* what its envelope may be under way of; nullable */
  Envelope *next_envelope;
  bool connected;   /* or it was tried */
  unsigned secrets; /* that were asked for */
  unsigned moves;   /* see MOVES */
  bool stays;       /* no other session is opened */
};

Courier *
courier_new (const Account *account, const CourierParams *params)
{
  Courier *courier = g_new0 (Courier, 1);

  courier->account = account;
  courier->params = *params;
  courier->relay = account->relay;
  courier->relay.remembered = NULL;
  return courier;
}

static void
load_free (Load *load)
{
  fit_clear (&load->fit);
  g_free (load);
}

static void
forget_next (Courier *courier)
{
  g_clear_pointer (&courier->next, load_free);
  g_clear_pointer (&courier->next_envelope, envelope_free);
}

static void
leave (Courier *courier)
{
  if (courier->next != NULL)
    transaction_abandon (courier->session, &courier->next->transaction);
  forget_next (courier);
  g_clear_pointer (&courier->session, session_close);
  courier->carried = 0;
}

void
courier_free (Courier *courier)
{
  if (courier == NULL)
    return;
  leave (courier);
  g_free (courier->relay.remembered);
  g_free (courier);
}

bool
courier_is_open (const Courier *courier)
{
  return courier->session != NULL;
}

int
courier_fd (const Courier *courier)
{
  return stream_fd (courier->session->stream);
}

bool
courier_is_quiet (const Courier *courier)
{
  const Session *session = courier->session;

  return !stream_has_input (session->stream)
         && !stream_has_ended (session->stream)
         && stream_may_answer (session->stream, NULL);
}

void
courier_doubt (Courier *courier)
{
  stream_doubt (courier->session->stream, DOUBT);
}

void
courier_stay (Courier *courier)
{
  courier->stays = true;
}

/* Its command is not started a second time once the conversation is confined. */
static bool
has_used_tunnel (const Courier *courier)
{
  return courier->connected && courier->params.credential != NULL
         && courier->relay.tunnel != NULL;
}

bool
courier_is_spent (const Courier *courier)
{
  return (courier->session == NULL && has_used_tunnel (courier))
         || courier->secrets + MESSAGE_CREDENTIALS > APART_CREDENTIALS;
}

void
outcome_free (Outcome *outcome)
{
  if (outcome == NULL)
    return;
  g_clear_pointer (&outcome->owed, g_array_unref);
  g_clear_pointer (&outcome->statuses, g_ptr_array_unref);
  g_free (outcome->tls);
  g_free (outcome->mechanism);
  g_free (outcome);
}

const Status *
outcome_account_status (const Outcome *outcome)
{
  for (size_t i = 0; i < outcome->statuses->len; i++)
    {
      const Status *status = outcome->statuses->pdata[i];

      if (status->fate != FATE_RELAYED && status->scope == SCOPE_ACCOUNT)
        return status;
    }
  return NULL;
}

/* The same status for every forward-path: nobody in particular is to blame. */
static GPtrArray *
same_for_all (const Status *status, size_t count)
{
  GPtrArray *statuses
      = g_ptr_array_new_with_free_func ((GDestroyNotify) status_free);

  for (size_t i = 0; i < count; i++)
    g_ptr_array_add (statuses, status_copy (status));
  return statuses;
}

static Secret *
get_credential (Courier *courier, GError **error)
{
  const CourierParams *params = &courier->params;

  courier->secrets++;
  return params->credential != NULL
             ? params->credential (params->data, error)
             : credential_get (courier->account, params->attended, error);
}

/* Who prints a token may have to get a new one first, and to store what replaces the
   old: two that do so at once undo each other's work. */
static Secret *
get_secret (Courier *courier, Queue *queue, GError **error)
{
  const Account *account = courier->account;
  Secret *secret;
  int lock;

  if (!credential_is_renewed (account) || queue == NULL)
    return get_credential (courier, error);
  lock = backoff_token (queue, account->name, deadline_in (TOKEN_PATIENCE));
  if (lock < 0)
    {
      g_set_error (error, FAILURE, FAILURE_TEMPORARY,
                   _ ("another process has been asking for the token of "
                      "account %s for too long"),
                   account->name);
      return NULL;
    }
  secret = get_credential (courier, error);
  close (lock);
  return secret;
}

static bool
may_connect (Courier *courier, GError **error)
{
  if (!has_used_tunnel (courier))
    {
      courier->connected = true;
      return true;
    }
  g_set_error_literal (error, FAILURE, FAILURE_TEMPORARY,
                       _ ("the tunnel cannot be opened a second time now"));
  return false;
}

/* No message waits for that. */
static void
remember (const Courier *courier, Queue *queue)
{
  g_autoptr (GError) error = NULL;

  if (queue == NULL)
    return;
  if (!login_remember (queue, courier->account->name, &courier->relay,
                       courier->session->mechanism, &error))
    log_line (LOG_ERR, "account=%s text=\"%s\"", courier->account->name,
              error->message);
}

static bool
open_session (Courier *courier, Queue *queue, const Secret *secret,
              Status **status)
{
  Relay *relay = &courier->relay;
  g_autoptr (GError) error = NULL;

  if (!may_connect (courier, &error))
    {
      *status = status_new_failure (STAGE_CONNECT, error);
      return false;
    }
  g_free (relay->remembered);
  relay->remembered
      = queue != NULL
            ? login_remembered (queue, courier->account->name, relay)
            : NULL;
  courier->session
      = session_open (relay, secret, courier->params.trace, status);
  if (courier->session == NULL)
    return false;
  remember (courier, queue);
  return true;
}

/* Another token than OLD, since the relay does not take that one; NULL: there is
   none. Where that is the command's fault *STATUS says so. */
static Secret *
renew (Courier *courier, Queue *queue, const Secret *old,
       Status **status)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) both = NULL;
  g_autoptr (Secret) fresh = get_secret (courier, queue, &error);
  g_autofree char *refusal = NULL;

  if (fresh != NULL)
    return secret_equal (fresh, old) ? NULL : g_steal_pointer (&fresh);
  refusal = status_words (*status);
  both = g_error_new (FAILURE, error->code,
                      _ ("%s refused the token (%s), and there is no new one: "
                         "%s"),
                      courier->relay.host, refusal, error->message);
  status_free (*status);
  *status = status_new_failure (STAGE_AUTH, both);
  return NULL;
}

/* A key on a token may need its PIN: before the keyring's threads, and while no relay
   waits. */
static bool
prepare_key (const Courier *courier, GError **error)
{
  const Relay *relay = &courier->relay;

  return !token_is_uri (relay->key)
         || tls_credentials_prepare (relay, courier->params.attended, error);
}

/* A token may have ended before its time. Once, lest a relay that refuses whatever
   comes has us ask for tokens without end. */
static bool
log_in (Courier *courier, Queue *queue, Status **status)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Secret) secret = prepare_key (courier, &error)
                                  ? get_secret (courier, queue, &error)
                                  : NULL;
  g_autoptr (Secret) fresh = NULL;

  if (error != NULL)
    {
      *status = status_new_failure (STAGE_CREDENTIAL, error);
      return false;
    }
  if (open_session (courier, queue, secret, status))
    return true;
  if (!credential_is_renewed (courier->account)
      || (*status)->stage != STAGE_AUTH || (*status)->code != CODE_REFUSED)
    return false;
  fresh = renew (courier, queue, secret, status);
  if (fresh == NULL)
    return false;
  g_clear_pointer (status, status_free);
  return open_session (courier, queue, fresh, status);
}

Session *
courier_log_in (Courier *courier, Queue *queue, Status **status)
{
  return log_in (courier, queue, status) ? courier->session : NULL;
}

static bool
before_end_of_data (void *data, GError **error)
{
  const Load *load = data;

  signals_defer ();
  /* On disk before it is on the wire: a crash after this line leaves an entry
     that knows that the relay may have the message. */
  return entry_record_end_of_data (
      load->entry, g_get_real_time () / G_USEC_PER_SEC, error);
}

static Transaction *begin_next (void *data);

/* One more message would be too many. */
static bool
is_full (const Courier *courier)
{
  uint64_t maximum = courier->session->extensions.mail_max;

  return courier->carried >= SESSION_MESSAGES
         || (maximum > 0 && courier->session->mails >= maximum);
}

/* NULL and *STATUS: it cannot be carried, or not now. */
static Load *
load_new (Courier *courier, const Envelope *envelope, Entry *entry,
          Status **status)
{
  Load *load = g_new0 (Load, 1);

  load->courier = courier;
  load->entry = entry;
  load->transaction = (Transaction){
    .envelope = envelope,
    .content = &load->fit.content,
    .before_end_of_data = before_end_of_data,
    .next = courier->params.next != NULL ? begin_next : NULL,
    .data = load,
  };
  if (fit_make (&load->fit, &entry->content, courier->session,
                courier->queue, status))
    return load;
  load_free (load);
  return NULL;
}

/* Nothing is recorded in that entry yet: what becomes of it here is no attempt
   before the present one is over. */
static Transaction *
begin_next (void *data)
{
  Courier *courier = ((const Load *) data)->courier;
  g_autoptr (GArray) owed = NULL;
  g_autoptr (Status) status = NULL;
  Entry *entry;

  if (courier->next != NULL || is_full (courier))
    return NULL;
  entry = courier->params.next (courier->params.next_data);
  if (entry == NULL)
    return NULL;
  courier->next_envelope = entry_owed (entry, &owed);
  courier->next
      = load_new (courier, courier->next_envelope, entry, &status);
  if (courier->next != NULL)
    return &courier->next->transaction;
  forget_next (courier);
  return NULL;
}

static GPtrArray *
run_load (Courier *courier, Load *load)
{
  GPtrArray *statuses;

  courier->carried++;
  statuses = transaction_run (courier->session, &load->transaction);
  load_free (load);
  return statuses;
}

/* One transaction, in the session that is open or in a new one. NULL: there can be
   none. */
static GPtrArray *
converse (Courier *courier, const Envelope *envelope, Entry *entry)
{
  g_autoptr (Status) status = NULL;
  Load *load;

  if (courier->session == NULL && courier->stays)
    return NULL;
  if (courier->session == NULL && !log_in (courier, courier->queue, &status))
    return same_for_all (status, envelope->forward_paths->len);
  load = load_new (courier, envelope, entry, &status);
  if (load == NULL)
    return same_for_all (status, envelope->forward_paths->len);
  return run_load (courier, load);
}

static bool
content_was_sent (const GPtrArray *statuses)
{
  for (size_t i = 0; i < statuses->len; i++)
    if (((const Status *) statuses->pdata[i])->stage >= STAGE_CONTENT)
      return true;
  return false;
}

/* The message whose envelope went with the one before it. NULL: this is none, or the
   session ended before the content, which is no verdict on the message. */
static GPtrArray *
go_on (Courier *courier, const Entry *entry)
{
  g_autoptr (Envelope) envelope = g_steal_pointer (&courier->next_envelope);
  Load *load = g_steal_pointer (&courier->next);
  GPtrArray *statuses;

  if (load == NULL)
    return NULL;
  g_assert (load->entry == entry);
  statuses = run_load (courier, load);
  if (!courier->session->broken || content_was_sent (statuses))
    return statuses;
  g_ptr_array_unref (statuses);
  leave (courier);
  return NULL;
}

static const Status *
refused_at_mail (const GPtrArray *statuses)
{
  const Status *first = statuses != NULL ? statuses->pdata[0] : NULL;

  return first != NULL && first->stage == STAGE_MAIL
                 && first->fate != FATE_RELAYED
             ? first
             : NULL;
}

/* Not with the null reverse-path, then: a notification that some relays will not
   carry (against RFC 5321 section 6.1) goes from the account's own address to its
   owner. */
static bool
give_address (const Courier *courier, const Entry *entry, Envelope *envelope)
{
  const char *own = account_address (courier->account);

  if (!entry->notification || envelope->reverse_path[0] != '\0' || own == NULL)
    return false;
  g_free (envelope->reverse_path);
  envelope->reverse_path = g_strdup (own);
  return true;
}

/* A session that lay idle may have been closed, or have had its fill: what it
   says to the next MAIL is no verdict on the message. */
static GPtrArray *
carry (Courier *courier, Envelope *envelope, Entry *entry)
{
  GPtrArray *statuses = go_on (courier, entry);
  bool reused = courier->session != NULL;
  const Status *refusal;

  if (statuses == NULL)
    statuses = converse (courier, envelope, entry);
  refusal = refused_at_mail (statuses);
  if (reused && refusal != NULL)
    {
      g_ptr_array_unref (statuses);
      leave (courier);
      statuses = converse (courier, envelope, entry);
      refusal = refused_at_mail (statuses);
    }
  if (refusal != NULL && refusal->fate == FATE_FAILED
      && give_address (courier, entry, envelope))
    {
      g_ptr_array_unref (statuses);
      if (courier->session != NULL && courier->session->broken)
        leave (courier);
      statuses = converse (courier, envelope, entry);
    }
  return statuses;
}

/* The forward-paths that the relay takes in another session alone. */
static Envelope *
find_elsewhere (const Envelope *envelope, const GPtrArray *statuses,
                GArray *places)
{
  Envelope *left = envelope_new_like (envelope);

  for (size_t i = 0; i < statuses->len; i++)
    if (((const Status *) statuses->pdata[i])->elsewhere)
      {
        envelope_add_wish (left, envelope->forward_paths->pdata[i],
                           envelope_wish (envelope, i));
        g_array_append_val (places, i);
      }
  return left;
}

static bool
carry_elsewhere (Courier *courier, const Envelope *envelope, Entry *entry,
                 GPtrArray *statuses)
{
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (size_t));
  g_autoptr (Envelope) left = find_elsewhere (envelope, statuses, places);
  g_autoptr (GPtrArray) more = NULL;

  if (places->len == 0 || courier->stays || courier->moves == MOVES
      || courier->relay.tunnel != NULL)
    return false;
  courier->moves++;
  leave (courier);
  more = converse (courier, left, entry);
  for (guint i = 0; i < places->len; i++)
    {
      size_t place = g_array_index (places, size_t, i);

      status_free (statuses->pdata[place]);
      statuses->pdata[place] = status_copy (more->pdata[i]);
    }
  return true;
}

static bool
success_is_wanted (const Envelope *envelope)
{
  for (size_t i = 0; i < envelope->forward_paths->len; i++)
    if (strstr (envelope_notify (envelope, i), "SUCCESS") != NULL)
      return true;
  return false;
}

static void
describe (const Courier *courier, const Envelope *envelope, Outcome *outcome)
{
  const Session *session = courier->session;

  if (session == NULL)
    return;
  outcome->tls = g_strdup (session->tls);
  outcome->mechanism = g_strdup (session->mechanism);
  outcome->no_dsn
      = !session->extensions.dsn && success_is_wanted (envelope);
}

static void
give_up (GPtrArray *statuses)
{
  for (size_t i = 0; i < statuses->len; i++)
    status_expire (statuses->pdata[i]);
}

Outcome *
attempt_run (Queue *queue, Entry *entry, Courier *courier,
             const RetryPolicy *policy, GError **error)
{
  g_autoptr (Outcome) outcome = g_new0 (Outcome, 1);
  g_autoptr (Envelope) envelope = entry_owed (entry, &outcome->owed);
  int64_t start = g_get_monotonic_time ();
  bool settled;

  courier->queue = queue;
  if (!entry_record_attempt (entry, g_get_real_time () / G_USEC_PER_SEC,
                             error))
    {
      /* Its envelope may be under way. */
      leave (courier);
      return NULL;
    }
  if (courier->params.cancellable)
    signals_cancel (queue, entry);
  outcome->statuses = carry (courier, envelope, entry);
  while (outcome->statuses != NULL
         && carry_elsewhere (courier, envelope, entry, outcome->statuses))
    continue;
  /* From here on the caller is told the truth, whatever signal comes. */
  signals_defer ();
  if (outcome->statuses == NULL)
    {
      outcome->untried = true;
      return g_steal_pointer (&outcome);
    }
  describe (courier, envelope, outcome);
  if (retry_is_over (policy, entry->waited))
    give_up (outcome->statuses);
  settled = queue_settle (queue, entry, outcome->owed, outcome->statuses,
                          &outcome->settled, error);
  if (courier->session != NULL
      && (courier->session->broken
          || (courier->next == NULL && is_full (courier))))
    leave (courier);
  outcome->seconds
      = (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  return settled ? g_steal_pointer (&outcome) : NULL;
}
