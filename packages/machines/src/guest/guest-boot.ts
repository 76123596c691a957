import type { BootConfig, MachinePlan, StartOptions } from '@sallyport/core/driver';
import { AGENT_PORT } from '@sallyport/core/driver';

import type { NetworkAttachment } from '../network/machine-network.ts';
import type { GuestClis } from './guest-clis.ts';
import { insideGuest } from './layout.ts';

export interface GuestBoot {
  readonly plan: MachinePlan;
  readonly options: Pick<StartOptions, 'epoch' | 'token' | 'egress'>;
  readonly place: Pick<NetworkAttachment, 'egress'>;
  readonly clis: GuestClis['inside'];
}

/** What the agent of a virtual machine is told: on the agent drive at a boot, over the guest's port after a sleep. */
export function guestBootConfig({ plan, options, place, clis }: GuestBoot): BootConfig {
  const { epoch, token, egress } = options;
  return {
    machineId: plan.machineId,
    epoch,
    role: plan.role,
    token: token.reveal(),
    // The network lets only the host come here.
    listen: { port: AGENT_PORT, host: '0.0.0.0' },
    home: insideGuest.home,
    ...(plan.role === 'cli' && { homes: insideGuest.homes }),
    // In a browser machine it keeps the login CLI from the screen, the browser and the agent.
    bubblewrap: insideGuest.bubblewrap,
    runtime: insideGuest.runtime,
    egress: { ...place.egress },
    ...(egress.certificateAuthority !== undefined && { certificateAuthority: egress.certificateAuthority }),
    ...(plan.desktop && { desktop: { ...plan.desktop } }),
    clis: { ...clis },
  };
}
