import { afterAll, expect, it } from 'vitest';

import { makeDataDirectory, removeDirectory, runSallyport } from '../../test/server/sallyport-process.ts';
import { until } from '../../test/setup/until.ts';

const directory = await makeDataDirectory();
const config = ['--config', 'e2e/configs/fake-cli.config.ts'];

afterAll(() => removeDirectory(directory));

async function providers(...words: readonly string[]): Promise<string> {
  const command = runSallyport(['providers', ...words, ...config], { SALLYPORT_DATA_DIR: directory });
  expect(await command.ended).toEqual({ code: 0, signal: null });
  return command.output().stdout;
}

it('switches a provider off and on, while the server runs and while it does not', async () => {
  expect(await providers()).toMatch(/^fake +on +Fake CLI/);

  const server = runSallyport(config, { SALLYPORT_DATA_DIR: directory, PORT: '0' });
  try {
    const address = (await server.saying(/sallyport listening on http:\S+/)).split(' ').at(-1) ?? '';
    const fake = async () => Object(await (await fetch(`${address}/api/providers`)).json())[0];
    const untilDisabled = (disabled: boolean): Promise<void> =>
      until('the switch to count', async () => ((await fake()).disabled !== null) === disabled);
    expect(await fake()).toMatchObject({ disabled: null, consent: { text: expect.stringContaining('Fake CLI') } });

    expect(await providers('disable', 'fake')).toContain('Fake CLI is switched off');
    await untilDisabled(true);
    const body = JSON.stringify({ provider: 'fake' });
    const headers = { 'content-type': 'application/json' };
    const refused = await fetch(`${address}/api/auth/start`, { method: 'POST', headers, body });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ code: 'PROVIDER_DISABLED' });

    expect(await providers('enable', 'fake')).toContain('Fake CLI is switched on again');
    await untilDisabled(false);
    await providers('disable', 'fake');
  } finally {
    server.child.kill('SIGTERM');
    await server.ended;
  }
  expect(await providers('list')).toMatch(/^fake +disabled/);
});
