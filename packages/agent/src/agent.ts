import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { BootConfig } from '@sallyport/core/protocol';

import type { CliSurroundings } from './cli/cli-environment.ts';
import { startEgressForwarder } from './cli/egress-forwarder.ts';
import { installGitWrapper } from './cli/git-wrapper.ts';
import { writeTrustFiles } from './cli/trust.ts';
import { createOffers } from './credentials/offers.ts';
import { createWatches } from './credentials/watches.ts';
import { hostDesktop } from './desktop-host.ts';
import { createEventLog } from './event-log.ts';
import { createAgentServer } from './http/http.ts';
import { createRouter } from './http/router.ts';
import { installBrowserShim } from './login/browser-shim.ts';
import { createLoginRunner } from './login/login-runner.ts';
import { createPromptRunner } from './prompts/prompt-runner.ts';
import { createRedactor } from './redact.ts';
import { authRoutes } from './routes/auth.ts';
import { credentialRoutes } from './routes/credentials.ts';
import { desktopRoutes } from './routes/desktop.ts';
import { eventRoutes } from './routes/events.ts';
import { executeRoutes } from './routes/execute.ts';
import { fileRoutes } from './routes/files.ts';
import { healthRoutes } from './routes/health.ts';

/** The agent, listening. */
export interface Agent {
  /**
   * Goes on after a sleep: takes the token, the egress, the authority and the CLIs of this configuration, and nothing else.
   * Where it was another machine that fell asleep, what its browser drew at random is given up as well.
   */
  wake(boot: BootConfig): Promise<void>;
  /** Ends everything it has started, and stops listening. */
  close(): Promise<void>;
}

/** Puts the parts together and starts to listen. The desktop goes on starting in the background. */
export async function startAgent(configured: BootConfig, clock: Clock = systemClock): Promise<Agent> {
  const boot = { ...configured };
  const over = new AbortController();
  const { runtime } = boot;
  await mkdir(boot.home, { recursive: true, mode: 0o700 });
  await mkdir(runtime, { recursive: true, mode: 0o700 });
  await rm(join(runtime, 'tmp'), { recursive: true, force: true });
  await mkdir(join(runtime, 'tmp'), { mode: 0o700 });
  const [shim, egress, trust] = await Promise.all([
    installBrowserShim(runtime),
    boot.egress && startEgressForwarder(boot.egress),
    writeTrustFiles(runtime, boot.certificateAuthority),
    installGitWrapper(runtime),
  ]);
  const surroundings: CliSurroundings = { runtime, proxyPort: egress?.port, trust };

  const log = createEventLog();
  const redactor = createRedactor();
  redactor.add(boot.token);
  const offers = createOffers({ log, clock, signal: over.signal });
  const watches = createWatches({ boot, offers, log, clock });
  const desktop = hostDesktop({ boot, proxyPort: egress?.port, log });
  const logins = createLoginRunner({ boot, surroundings, shim, log, offers, redactor, clock });
  const prompts = createPromptRunner({ boot, surroundings, clock });
  const server = createAgentServer({
    token: new Secret(boot.token),
    router: createRouter([
      ...healthRoutes(clock, () => logins.active + prompts.active),
      ...authRoutes(logins),
      ...credentialRoutes({ boot, logins, offers, watches, clock }),
      ...eventRoutes(log, offers, clock),
      ...executeRoutes(prompts, clock),
      ...fileRoutes(boot),
      ...desktopRoutes(desktop),
    ]),
    onViewer: (request, socket, head) => desktop.view(request, socket, head),
  });
  await server.listen(boot.listen);
  return {
    wake: async (next) => {
      server.expectNobody();
      redactor.add(next.token);
      boot.clis = next.clis;
      if (next.egress) egress?.redirect(next.egress);
      if (trust) await writeTrustFiles(runtime, next.certificateAuthority);
      if (next.machineId !== boot.machineId) await desktop.renew();
      boot.machineId = next.machineId;
      // Last: a caller with the new token finds everything in place.
      server.expect(new Secret(next.token));
    },
    close: async () => {
      over.abort();
      watches.close();
      await Promise.allSettled([server.close(), logins.close(), prompts.close(), desktop.close()]);
      shim.close();
      await egress?.close();
    },
  };
}
