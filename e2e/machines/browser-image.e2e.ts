import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { BootConfig } from '@sallyport/core/protocol';
import { createUserNetwork } from '@sallyport/machines';
import { createFakeInternet } from '@sallyport/testkit/vendors';
import type { FakeInternet } from '@sallyport/testkit/vendors';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { connectViewer } from '../../packages/agent/src/desktop/__fixtures__/rfb-viewer.ts';
import { shellInGuest } from '../support/guest-run.ts';
import { bootToken, shellClis, startGuest, TROUBLE, untilHealthy } from '../support/guest.ts';
import { machineImages } from '../support/images.ts';
import { poll } from '../support/server.ts';

/** A browser machine from power-on to a visible page. On an emulated processor this takes a minute or several. */

const { signal } = new AbortController();

/** Green when the image has distinct letters for each of these scripts and emoji in colour; red otherwise. */
const page = `<!doctype html><meta charset="utf-8"><title>Sign in</title><body><script>
const draw = (text) => {
  const context = Object.assign(document.createElement('canvas'), { width: 64, height: 64 }).getContext('2d');
  context.font = '48px sans-serif';
  context.fillText(text, 4, 50);
  return [...context.getImageData(0, 0, 64, 64).data];
};
const drawn = ['\\u{10ffff}', '漢', '语', 'あ', '한', 'ж', 'λ'].map((letter) => draw(letter).join());
const emoji = draw('😀');
const isColoured = emoji.some((value, index) => index % 4 === 0 && value !== emoji[index + 2]);
document.body.style.background = new Set(drawn).size === drawn.length && isColoured ? '#00cc00' : '#cc0000';
</script>`;

let folder: string;
let internet: FakeInternet;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-e2e-'));
  internet = await createFakeInternet({
    directory: join(folder, 'net'),
    sites: {
      'sign-in.example': (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(page);
      },
    },
  });
});

afterAll(async () => {
  await internet?.close();
  await rm(folder, { recursive: true, force: true });
});

it('shows a sign-in page in any script, in a browser that is sandboxed and runs as an ordinary user', async () => {
  const { kernel, browser } = await machineImages();
  const route = await internet.open(
    {
      machineId: 'm-browser',
      userId: 'u-test',
      purpose: 'sign-in',
      hosts: ['sign-in.example'],
      identity: { userId: 'u-test' },
    },
    { signal },
  );
  const network = createUserNetwork({ dataDirectory: join(folder, 'data'), clock: systemClock });
  const place = await network.attach('m-browser', { egressSocket: route.socketPath, signal });
  const boot: BootConfig = {
    machineId: 'm-browser',
    epoch: 1,
    role: 'browser',
    token: bootToken,
    listen: { port: 8080, host: '0.0.0.0' },
    home: '/sallyport/home',
    runtime: '/run/m',
    desktop: { width: 1024, height: 768 },
    egress: { ...place.egress },
    certificateAuthority: internet.certificateAuthority,
    clis: shellClis,
  };
  await using guest = await startGuest({ folder, kernel, root: browser, memoryMb: 1536, cpus: 2, boot, place });
  const headers = { authorization: `Bearer ${bootToken}`, 'content-type': 'application/json' };
  await untilHealthy(guest);
  const body = JSON.stringify({ url: 'https://sign-in.example/?state=1' });
  // The request waits for the browser; a caller that gave up may ask again.
  const opened = await poll('the browser', () =>
    guest.request('/desktop/open', { headers, body }).catch(() => undefined),
  );
  expect(opened).toEqual({ status: 200, body: '{"success":true}' });
  const socket = await guest.connect();
  const viewer = await connectViewer('ws://machine/vnc', { headers, createConnection: () => socket });
  expect(viewer.size).toEqual({ width: 1024, height: 768 });
  const painted = await poll('the page', async () => {
    const colour = await viewer.pixel();
    return /^00cc00|cc0000$/.test(colour) ? colour : undefined;
  });
  expect(painted).toBe('00cc00');
  viewer.close();

  const processes = (await shellInGuest(guest, bootToken, LOOK_AT_CHROMIUM)).split('\n').map((line) => line.split(' '));
  expect(processes.length).toBeGreaterThan(3);
  for (const [user, , , ...words] of processes) {
    expect(user).toBe('1000');
    expect(words.join(' ')).not.toContain('--no-sandbox');
  }
  const renderers = processes.filter((words) => words.includes('--type=renderer'));
  expect(renderers.length).toBeGreaterThan(0);
  // A system call filter (seccomp(2), mode 2), and its own process IDs (pid_namespaces(7)).
  for (const [, seccomp, ids] of renderers) {
    expect(seccomp).toBe('2');
    expect(Number(ids)).toBeGreaterThan(1);
  }
  await guest.end();
  expect(await guest.console()).not.toMatch(TROUBLE);
}, 1_500_000);

/** User, seccomp mode and number of process ids, then the command line, of each process of the browser. */
const LOOK_AT_CHROMIUM = `
for process in /proc/[0-9]*; do
  words=$(tr '\\0' ' ' 2>/dev/null <"$process/cmdline") || continue
  case $words in /usr/lib/chromium/chromium*) ;; *) continue ;; esac
  /bin/busybox awk -v words="$words" '
    /^Uid:/ { user = $2 }
    /^Seccomp:/ { seccomp = $2 }
    /^NSpid:/ { ids = NF - 1 }
    END { print user, seccomp, ids, words }' "$process/status"
done`;
