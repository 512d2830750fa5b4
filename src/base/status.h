/* status.h - what became of one forward-path in one attempt.
 *
 * The only thing that travels upwards: from a relay's reply, or from a failure
 * of our own, to the queue and to the sender. The policy "this failure at this
 * stage -> delayed, held or failed" lives in status.c alone, as a table
 * (RFC 5321 sections 3.8, 4.2.1, 4.5.4.1; RFC 4954 section 6).
 * A Status owns its text; text is never NULL and always printable UTF-8.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/failure.h"

/* In the order in which an attempt passes them. */
typedef enum
{
  STAGE_ACCOUNT,    /* choosing and checking the account */
  STAGE_CREDENTIAL, /* fetching the secret */
  STAGE_CONNECT,    /* DNS and TCP */
  STAGE_TLS,        /* handshake and the peer's identity */
  STAGE_GREETING,
  STAGE_EHLO,
  STAGE_STARTTLS,
  STAGE_AUTH,
  STAGE_MAIL,
  STAGE_RCPT,
  STAGE_DATA,
  STAGE_CONTENT,     /* octets of the message, before the end-of-data */
  STAGE_END_OF_DATA, /* the final dot is sent, its reply is awaited */
  STAGE_QUIT,
} Stage;

typedef enum
{
  FATE_RELAYED, /* the relay answered 2yz: it is theirs now */
  FATE_DELAYED, /* stays queued and is tried again without anybody's doing */
  FATE_HELD,    /* needs a person; the account pauses */
  FATE_FAILED,  /* refused for good; the sender is told */
} Fate;

/* Whom the status concerns: this recipient, this message, or every message of
 * the account. */
typedef enum
{
  SCOPE_RECIPIENT,
  SCOPE_MESSAGE,
  SCOPE_ACCOUNT,
} Scope;

/* RFC 3463: class.subject.detail; class 0: none was given. */
typedef struct
{
  uint8_t class;
  uint16_t subject;
  uint16_t detail;
} EnhancedCode;

typedef struct
{
  Stage stage;
  Fate fate;
  Scope scope;
  int code;              /* reply code 200 to 599; 0: our own finding */
  EnhancedCode enhanced;
  int exit_status;       /* of sysexits(3), for a caller who still waits when
                            the fate is held or failed; else EX_OK */
  bool ambiguous;        /* the end-of-data was sent and no verdict came: the
                            message may have been accepted (RFC 1047) */
  bool elsewhere;        /* nothing was asked: another session has to. Not
                            recorded */
  bool alert;            /* worth telling a person although it is retried */
  char *text;            /* the relay's words, or our own; one line */
} Status;

/* The status that a reply with CODE at STAGE means. TEXT (nullable) is the
 * relay's and is made printable. A CODE that is outside what STAGE allows
 * (a 2yz to AUTH before the mechanism is done, 354 to MAIL) is the caller's to
 * report by status_new_failure with FAILURE_PROTOCOL. */
Status *status_new_reply (Stage stage, int code, EnhancedCode enhanced,
                          const char *text);

/* The status that ERROR, a failure of our own at STAGE, means. At
 * STAGE_END_OF_DATA it is ambiguous. */
Status *status_new_failure (Stage stage, const GError *error);

/* STATUS, where it is delayed, becomes a failure: the message's time is over
 * (RFC 3463 section 3.5, X.4.7). Any other stays as it is. */
void status_expire (Status *status);

Status *status_copy (const Status *status);
void status_free (Status *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Status, status_free)

/* Lower-case word for logs and queue files, never translated: "rcpt",
 * "relayed", … _from_name: false where NAME is unknown. */
const char *stage_name (Stage stage);
bool stage_from_name (const char *name, Stage *stage);
const char *fate_name (Fate fate);
bool fate_from_name (const char *name, Fate *fate);

/* "2.1.5", or "" where there is none. */
char *enhanced_code_to_string (EnhancedCode enhanced);

/* "550 5.1.1 no such user" where a relay spoke, else the text alone. */
char *status_words (const Status *status);
