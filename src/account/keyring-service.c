#include "account/keyring-service.h"

#include <stdbool.h>

typedef struct
{
  SecretService parent;
  int *prompting; /* borrowed; NULL: no prompt is allowed */
} KeyringService;

typedef SecretServiceClass KeyringServiceClass;

G_DEFINE_TYPE (KeyringService, keyring_service, SECRET_TYPE_SERVICE)

/* Whether a prompt may begin; it is taken as begun then. */
static bool
may_prompt (SecretService *service, GError **error)
{
  KeyringService *self = (KeyringService *) service;

  if (self->prompting != NULL)
    {
      g_atomic_int_set (self->prompting, 1);
      return true;
    }
  g_set_error_literal (error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED,
                       "no prompt is allowed");
  return false;
}

/* A prompt that was dismissed gives NULL and no error, which callers in
 * libsecret (0.20.5) wait for ever after. */
static GVariant *
check_result (GVariant *result, GError **error)
{
  if (result == NULL && *error == NULL)
    g_set_error_literal (error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED,
                         "the prompt was dismissed");
  return result;
}

static GVariant *
prompt_sync (SecretService *service, SecretPrompt *prompt,
             GCancellable *cancellable, const GVariantType *type,
             GError **error)
{
  GError *cause = NULL;
  GVariant *result = NULL;

  if (may_prompt (service, &cause))
    result = check_result (
        secret_prompt_perform_sync (prompt, NULL, cancellable, type, &cause),
        &cause);
  if (cause != NULL)
    g_propagate_error (error, cause);
  return result;
}

static void
on_performed (GObject *prompt, GAsyncResult *performed, void *data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  GVariant *result = check_result (
      secret_prompt_perform_finish (SECRET_PROMPT (prompt), performed, &error),
      &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, result, (GDestroyNotify) g_variant_unref);
}

static void
prompt_async (SecretService *service, SecretPrompt *prompt,
              const GVariantType *type, GCancellable *cancellable,
              GAsyncReadyCallback callback, void *data)
{
  GTask *task = g_task_new (service, NULL, callback, data);
  GError *error = NULL;

  if (may_prompt (service, &error))
    {
      secret_prompt_perform (prompt, NULL, type, cancellable, on_performed,
                             task);
      return;
    }
  g_task_return_error (task, error);
  g_object_unref (task);
}

static GVariant *
prompt_finish (SecretService *service, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
keyring_service_class_init (KeyringServiceClass *class)
{
  class->prompt_sync = prompt_sync;
  class->prompt_async = prompt_async;
  class->prompt_finish = prompt_finish;
}

static void
keyring_service_init (KeyringService *self)
{
}

void
keyring_service_allow_prompts (SecretService *service, int *prompting)
{
  ((KeyringService *) service)->prompting = prompting;
}
