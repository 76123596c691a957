import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { findBrowser, findProgram, searchPath } from '../../packages/agent/src/desktop/availability.ts';
import { browserArguments } from '../../packages/agent/src/desktop/browser.ts';
import { createCdpPipe } from '../../packages/agent/src/desktop/cdp-pipe.ts';
import type { CdpPipe } from '../../packages/agent/src/desktop/cdp-pipe.ts';
import { trustCertificateAuthority } from '../../packages/agent/src/desktop/certificate-store.ts';
import type { Child } from '../../packages/agent/src/desktop/child.ts';
import { startVncServer } from '../../packages/agent/src/desktop/vnc-server.ts';
import { startWindowManager } from '../../packages/agent/src/desktop/window-manager.ts';
import type { World } from './world.ts';

/** A screen like a machine's, on this host, on which the bare Chromium is measured. */
export interface Screen {
  /** Starts Chromium with the address of a sign-in page; resolves to the milliseconds until it has painted it. */
  paintLoginPage(): Promise<number>;
  end(): Promise<void>;
}

const SIZE = { width: 1280, height: 800 };
/** Chromium's sandbox needs an ordinary user: `nobody`, where the bench runs as root. */
const NOBODY = 65_534;
const PATIENCE_MS = 60_000;

export async function startScreen(world: World): Promise<Screen> {
  const folder = join(world.folder, 'screen');
  const home = join(folder, 'home');
  await mkdir(home, { recursive: true });
  const env = { HOME: home, PATH: searchPath(), LANG: 'C.UTF-8', XDG_RUNTIME_DIR: folder };
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const children: Child[] = [];
  const vnc = await startVncServer({
    command: findProgram('Xtigervnc') ?? 'Xtigervnc',
    folder,
    size: SIZE,
    env,
    onStarted: (child) => void children.push(child),
    signal,
  });
  const clientEnv = { ...env, ...vnc.clientEnv, DBUS_SESSION_BUS_ADDRESS: 'disabled:' };
  children.push(await startWindowManager({ command: findProgram('openbox') ?? 'openbox', folder, env: clientEnv }));
  const { certificateAuthority = '' } = world.route;
  await trustCertificateAuthority({
    command: findProgram('certutil') ?? 'certutil',
    home,
    folder,
    certificateAuthority,
    env,
    signal,
  });
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (user.uid !== undefined) await giveAway(folder, user.uid);
  return {
    paintLoginPage: async () => {
      const profile = await mkdtemp(join(folder, 'profile-'));
      if (user.uid !== undefined) await chown(profile, user.uid, user.gid);
      const page = { size: SIZE, proxyPort: world.proxyPort };
      const args = [...browserArguments(profile, page).slice(0, -1), signInAddress()];
      const began = performance.now();
      const chromium = spawn(findBrowser() ?? 'chromium', args, {
        cwd: folder,
        env: clientEnv,
        stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
        ...user,
      });
      const exited = once(chromium, 'exit');
      await painted(createCdpPipe(pipeOf(chromium.stdio[3]), pipeOf(chromium.stdio[4])));
      const took = performance.now() - began;
      chromium.kill('SIGTERM');
      await exited;
      return took;
    },
    end: async () => {
      for (const child of children.toReversed()) await child.stop(2_000);
    },
  };
}

/** What `codex login` would print. The vendor checks it as strictly, and paints a different code for each. */
function signInAddress(): string {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'app_EMoamEEZ73f0CkXaXp7hrann',
    redirect_uri: 'http://localhost:1455/auth/callback',
    scope: 'openid profile email offline_access',
    code_challenge: createHash('sha256').update(randomBytes(32)).digest('base64url'),
    code_challenge_method: 'S256',
    state: randomBytes(24).toString('base64url'),
  });
  return `https://auth.openai.com/oauth/authorize?${query.toString()}`;
}

/** Resolves when the coloured code is loaded and two more frames have been drawn: the second shows the first. */
async function painted(cdp: CdpPipe): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const expression = `new Promise((resolve) => {
    const look = () => {
      const code = document.querySelector('img.code');
      if (code?.complete && code.naturalWidth > 0) requestAnimationFrame(() => requestAnimationFrame(() => resolve(true)));
      else requestAnimationFrame(look);
    };
    look();
  })`;
  for (;;) {
    try {
      const { targetInfos = [] } = await cdp.send('Target.getTargets', {}, { signal });
      const targetId = targetInfos.find(({ type }) => type === 'page')?.targetId;
      if (targetId !== undefined) {
        const { sessionId = '' } = await cdp.send('Target.attachToTarget', { targetId, flatten: true }, { signal });
        await cdp.send('Runtime.evaluate', { expression, awaitPromise: true }, { sessionId, signal });
        return;
      }
    } catch {
      // The empty page before it went away under the question.
      signal.throwIfAborted();
    }
    await sleep(5);
  }
}

function pipeOf(stream: unknown): Duplex {
  if (stream instanceof Duplex) return stream;
  throw new TypeError('Chromium has no pipe.');
}

async function giveAway(folder: string, owner: number): Promise<void> {
  await chown(folder, owner, owner);
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { recursive: true })) await chown(join(folder, entry), owner, owner);
}
