import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError, systemClock } from '@sallyport/core';

import { renewBrowser } from './renew-browser.ts';
import { createCdpPipe } from './cdp-pipe.ts';
import type { CdpPipe } from './cdp-pipe.ts';
import { startChild } from './child.ts';
import type { Child } from './child.ts';

export interface Browser {
  readonly child: Child;
  /** Shows a page. Rejects when it cannot be loaded. */
  open(url: string, signal: AbortSignal): Promise<void>;
  /** Has its random numbers seeded again. */
  renew(signal: AbortSignal): Promise<void>;
}

export interface BrowserOptions {
  readonly command: string;
  /** Private directory for the profile. */
  readonly folder: string;
  readonly size: { readonly width: number; readonly height: number };
  /** Loopback port of the proxy every request goes through; `undefined` connects directly. */
  readonly proxyPort: number | undefined;
  readonly env: Readonly<Record<string, string>>;
  onStarted(child: Child): void;
  readonly signal: AbortSignal;
}

/** How long a page may take to begin. Generous: two proxies, a slow vendor and an emulated processor lie in between. */
const NAVIGATION_MS = 120_000;

/** Starts Chromium full screen on an empty page. Resolves when it takes commands. */
export async function startBrowser(options: BrowserOptions): Promise<Browser> {
  const profile = join(options.folder, 'profile');
  await mkdir(profile, { recursive: true, mode: 0o700 });
  const child = startChild({
    name: 'chromium',
    command: options.command,
    args: browserArguments(profile, options),
    env: options.env,
    cwd: options.folder,
    pipes: 2,
  });
  options.onStarted(child);
  const cdp = createCdpPipe(child.pipe(0), child.pipe(1));
  const ready = prepare(cdp, options.signal);
  const gone = child.exited.then((how) => {
    throw new SallyportError('MACHINE_FAILED', how);
  });
  await Promise.race([ready, gone]);
  gone.catch(() => {});
  return { child, open: (url, signal) => navigate(cdp, url, signal), renew: (signal) => renewBrowser(cdp, signal) };
}

/** The whole command line. The last argument is the first page. */
export function browserArguments(
  profile: string,
  { proxyPort, size }: Pick<BrowserOptions, 'proxyPort' | 'size'>,
): string[] {
  return [
    `--user-data-dir=${profile}`,
    '--remote-debugging-pipe',
    '--kiosk',
    '--window-position=0,0',
    `--window-size=${size.width},${size.height}`,
    ...quiet,
    ...confined,
    ...(proxyPort === undefined ? ['--no-proxy-server'] : proxied(proxyPort)),
    'about:blank',
  ];
}

/** No first-run pages, bars, bubbles, key ring questions or traffic of the browser's own. */
const quiet = [
  '--test-type',
  '--no-first-run',
  '--no-default-browser-check',
  '--noerrdialogs',
  '--hide-crash-restore-bubble',
  '--password-store=basic',
  '--disable-sync',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-domain-reliability',
  '--disable-breakpad',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication,PasswordLeakDetection',
];

/** What a managed policy would say, as far as there are flags for it. */
const confined = [
  '--disable-extensions',
  '--disable-component-extensions-with-background-pages',
  '--disable-default-apps',
  '--disable-print-preview',
  '--disable-speech-api',
  '--deny-permission-prompts',
];

/**
 * Loopback is not proxied, which is Chromium's default: the sign-in ends on the CLI's own loopback listener. Every
 * other name is looked up by the proxy alone, and nothing goes out by UDP past it.
 */
function proxied(port: number): string[] {
  return [
    `--proxy-server=http://127.0.0.1:${port}`,
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE ::1',
    '--dns-prefetch-disable',
    '--disable-quic',
    '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  ];
}

async function prepare(cdp: CdpPipe, signal: AbortSignal): Promise<void> {
  await cdp.send('Browser.setDownloadBehavior', { behavior: 'deny' }, { signal });
  while ((await findPage(cdp, signal)) === undefined) await systemClock.sleep(10, signal);
}

async function navigate(cdp: CdpPipe, url: string, signal: AbortSignal): Promise<void> {
  const { origin, protocol } = new URL(url);
  if (protocol !== 'https:') {
    throw new SallyportError('LOGIN_URL_REFUSED', `The machine's browser opens https pages only, not ${protocol}`);
  }
  using deadline = systemClock.deadline(
    NAVIGATION_MS,
    () => new SallyportError('MACHINE_TIMED_OUT', `${origin} did not answer within ${NAVIGATION_MS / 1000} s.`),
    signal,
  );
  const call = { signal: deadline.signal };
  const targetId = (await findPage(cdp, call.signal)) ?? (await createPage(cdp, call.signal));
  const { sessionId = '' } = await cdp.send('Target.attachToTarget', { targetId, flatten: true }, call);
  const session = { ...call, sessionId };
  try {
    const { errorText } = await cdp.send('Page.navigate', { url }, session);
    // Only the origin: the rest of a sign-in link has no business in an error message.
    if (errorText) {
      throw new SallyportError('EGRESS_FAILED', `The machine's browser could not open ${origin} (${errorText}).`);
    }
    await cdp.send('Page.bringToFront', {}, session);
  } finally {
    // Attached no longer than needed, so that pages behave as they do without a debugger.
    cdp.send('Target.detachFromTarget', { sessionId }, call).catch(() => {});
  }
}

async function findPage(cdp: CdpPipe, signal: AbortSignal): Promise<string | undefined> {
  const { targetInfos = [] } = await cdp.send('Target.getTargets', {}, { signal });
  return targetInfos.find((target) => target.type === 'page')?.targetId;
}

async function createPage(cdp: CdpPipe, signal: AbortSignal): Promise<string> {
  const { targetId = '' } = await cdp.send('Target.createTarget', { url: 'about:blank' }, { signal });
  return targetId;
}
