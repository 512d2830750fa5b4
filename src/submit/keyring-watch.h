/* keyring-watch.h - tells when the keyring may have become open: it appeared
 * on the session bus, or something in it was unlocked.
 *
 * The bus need not be there yet, nor the directory it will be in: where mail
 * is sent from a machine's start on, both come with the person's login. It may
 * go and come again, and it may hang. The keyring is not started by this.
 */
#pragma once

#include <glib.h>

typedef struct KeyringWatch KeyringWatch;

/* In a process of its own, for it has threads: ends with ours. A descriptor that
 * does not block, with octets to read when the keyring has opened; -1: none is to be
 * had. */
int keyring_watch_start (void);

/* Watches in this thread's default context. OPENED (with DATA) is called once
 * a second at most. */
KeyringWatch *keyring_watch_new (void (*opened) (void *data), void *data);
void keyring_watch_free (KeyringWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KeyringWatch, keyring_watch_free)
