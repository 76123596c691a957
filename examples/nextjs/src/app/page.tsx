import { connection } from 'next/server';

import { Connect } from './connect';
import { settings } from './settings';

export default async function Page() {
  // The address is read when the page is asked for, and not when it is built.
  await connection();
  return (
    <main>
      <h1>Acme</h1>
      <Connect provider="codex" server={settings().server} />
    </main>
  );
}
