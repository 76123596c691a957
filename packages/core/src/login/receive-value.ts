import { SallyportError } from '../base/errors.ts';
import { orAborted } from '../base/serial-queue.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { checkEnteredValue, manualEntryQuestion } from '../provider/manual-entry.ts';
import type { ManualEntry } from '../provider/manual-entry.ts';
import type { LoginRun } from './login-run.ts';
import { storeLogin } from './store-login.ts';

/** As long as a login may take for which a user has to look for a code. */
const PATIENCE_MS = 15 * 60_000;

/**
 * Asks the user for a key or token they have, and stores it: the same session, the same events and the same checks
 * as where a CLI logs in, but no machine. A value of the wrong shape is refused, and the question stays.
 */
export async function receiveValue(
  runtime: Runtime,
  run: Pick<LoginRun, 'provider' | 'replace' | 'hold' | 'session'> & { readonly method: ManualEntry },
): Promise<number> {
  const { session, method, provider } = run;
  const { id, label, kind, secret } = manualEntryQuestion(method);
  const value = Promise.withResolvers<string>();
  using deadline = runtime.clock.deadline(PATIENCE_MS, abandoned, session.abort.signal);
  session.listener = async (_promptId, text) => {
    const checked = checkEnteredValue(provider.manifest.credentials, { [id]: text });
    value.resolve(checked[id] ?? '');
  };
  session.openQuestions.add(id);
  try {
    await session.advance('awaiting-user', { message: 'Paste the value below. It is stored encrypted.' });
    const { page } = method.item.manualEntry;
    const where = page !== undefined && { page: runtime.settings.presentUrl(page) };
    await session.note({ type: 'prompt', message: label, data: { promptId: id, kind, secret, choices: [], ...where } });
    const received = await orAborted(deadline.signal, value.promise);
    await session.advance('storing');
    return await storeLogin(runtime, run, { [id]: received }, true);
  } finally {
    session.listener = undefined;
    session.openQuestions.clear();
  }
}

function abandoned(): SallyportError {
  return new SallyportError('LOGIN_ABANDONED', `Nothing was handed over within ${PATIENCE_MS / 60_000} minutes.`);
}
