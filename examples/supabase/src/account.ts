import { loadSallyportConnect } from '@sallyport/client/element';
import type { User } from '@supabase/supabase-js';

import { find, textOf } from './dom.ts';
import { readOwnRows, tableOf } from './own-rows.ts';
import { accessToken, provider, sallyport, sallyportUrl, supabase } from './services.ts';

export interface AccountOptions {
  readonly user: User;
  /** Ends what runs for the user who has signed out. */
  readonly signal: AbortSignal;
  /** Runs an action of the page, and shows how it failed. */
  readonly attempt: (action: () => Promise<void>) => void;
}

/** The page of a signed-in user. Nothing is kept between two users, and what arrives late goes to a page that is gone. */
export function createAccount({ user, signal, attempt }: AccountOptions): DocumentFragment {
  const page = document.importNode(find(document, 'template', HTMLTemplateElement).content, true);
  const part = (name: string): HTMLElement => find(page, `[data-part=${name}]`, HTMLElement);
  const form = find(page, '[data-part=ask]', HTMLFormElement);
  const [answer, rows, connectPlace] = [part('answer'), part('rows'), part('connect')];

  part('email').textContent = user.email ?? user.id;
  part('sign-out').addEventListener('click', () => {
    attempt(async () => {
      // Here alone. The default signs the user out on every device.
      const { error } = await supabase.auth.signOut({ scope: 'local' });
      if (error) throw error;
    });
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(() => ask(textOf(form, 'prompt')));
  });

  async function showConnect(): Promise<void> {
    await loadSallyportConnect({ baseUrl: sallyportUrl });
    const connect = document.createElement('sallyport-connect');
    connect.setAttribute('provider', provider);
    connect.setAttribute('server', sallyportUrl);
    connect.token = accessToken;
    connect.addEventListener('sallyport-change', () => attempt(showRows));
    connectPlace.replaceChildren(connect);
  }

  async function ask(prompt: string): Promise<void> {
    answer.textContent = '';
    for await (const event of sallyport.prompt({ provider, prompt }, { signal })) {
      if (event.type === 'text') answer.append(event.text);
      if (event.type !== 'prompt-end') continue;
      await showRows();
      if (event.outcome !== 'completed')
        throw new Error(`${event.message ?? 'The prompt did not complete.'} ${event.hint ?? ''}`);
    }
  }

  async function showRows(): Promise<void> {
    const tables = Object.entries(await readOwnRows());
    rows.replaceChildren(...tables.map(([caption, own]) => tableOf(caption, own)));
  }

  attempt(showConnect);
  attempt(showRows);
  return page;
}
