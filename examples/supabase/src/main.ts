import type { User } from '@supabase/supabase-js';

import { createAccount } from './account.ts';
import { find, textOf } from './dom.ts';
import { explain } from './explain.ts';
import { supabase } from './services.ts';

const problem = find(document, '#problem', HTMLElement);
const form = find(document, '#sign-in', HTMLFormElement);
const main = find(document, 'main', HTMLElement);
let shown: { readonly userId: string | undefined; readonly left: AbortController } | undefined;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  attempt(async () => {
    const credentials = { email: textOf(form, 'email'), password: textOf(form, 'password') };
    const { error } = await supabase.auth.signInWithPassword(credentials);
    if (error) throw error;
    form.reset();
  });
});

// Called first with the session that is stored, then for each sign-in, sign-out and refresh, in other tabs as well.
supabase.auth.onAuthStateChange((_event, session) => show(session?.user));

function show(user: User | undefined): void {
  // A refreshed token does not build the page again.
  if (shown && shown.userId === user?.id) return;
  shown?.left.abort();
  shown = { userId: user?.id, left: new AbortController() };
  problem.textContent = '';
  form.hidden = user !== undefined;
  const { signal } = shown.left;
  main.replaceChildren(
    ...(user ? [createAccount({ user, signal, attempt: (action) => attempt(action, signal) })] : []),
  );
}

/** Runs an action of the page, and shows how it failed unless the user has left meanwhile. */
function attempt(action: () => Promise<void>, signal?: AbortSignal): void {
  problem.textContent = '';
  action().catch((error: unknown) => {
    if (!signal?.aborted) problem.textContent = explain(error);
  });
}
