import { randomBytes, randomInt } from 'node:crypto';

import type { Clock } from '@sallyport/core';

/** A device that waits for a user to type its code (RFC 8628 §3.2). */
export interface WaitingDevice {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly clientId: string;
  readonly scope: string;
  readonly expiresAt: number;
  /** Grows by five each time the device asks too soon (RFC 8628 §3.5). */
  readonly intervalSeconds: number;
  readonly lastPollAt: number | undefined;
  readonly outcome: 'pending' | 'approved' | 'denied' | 'collected';
}

/** Error codes of RFC 8628 §3.5 and RFC 6749 §5.2. */
export type DeviceRefusal = 'authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token' | 'invalid_grant';

export interface DeviceFlow {
  start(clientId: string, scope: string): WaitingDevice;
  /** The device that waits for this code; `undefined` if the code is unknown or has expired. */
  waiting(userCode: string): WaitingDevice | undefined;
  decide(userCode: string, approved: boolean): void;
  /** One poll of the device. Approved means: collected by this call, and never again. */
  poll(deviceCode: string, clientId: string): { readonly scope: string } | { readonly refusal: DeviceRefusal };
  all(): readonly WaitingDevice[];
}

/** No vowels, so that no words come up, and nothing that looks like something else (RFC 8628 §6.1). */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ';

export function createDeviceFlow(
  clock: Clock,
  { canary, intervalSeconds, lifetimeSeconds }: { canary: string; intervalSeconds: number; lifetimeSeconds: number },
): DeviceFlow {
  const devices = new Map<string, WaitingDevice>();
  const put = (device: WaitingDevice): WaitingDevice => {
    devices.set(device.userCode, device);
    return device;
  };
  return {
    start: (clientId, scope) =>
      put({
        deviceCode: `${canary}${randomBytes(20).toString('hex')}`,
        userCode: `${letters(4)}-${letters(4)}`,
        clientId,
        scope,
        intervalSeconds,
        expiresAt: clock.now() + lifetimeSeconds * 1000,
        lastPollAt: undefined,
        outcome: 'pending',
      }),
    waiting(typed) {
      const device = devices.get(normalized(typed));
      return device?.outcome === 'pending' && device.expiresAt > clock.now() ? device : undefined;
    },
    decide(userCode, approved) {
      const device = devices.get(userCode);
      if (device) put({ ...device, outcome: approved ? 'approved' : 'denied' });
    },
    poll(deviceCode, clientId) {
      const device = [...devices.values()].find((candidate) => candidate.deviceCode === deviceCode);
      if (!device || device.clientId !== clientId || device.outcome === 'collected') return refuse('invalid_grant');
      const tooSoon = clock.now() - (device.lastPollAt ?? 0) < device.intervalSeconds * 1000;
      const polled = put({
        ...device,
        lastPollAt: clock.now(),
        intervalSeconds: device.intervalSeconds + (tooSoon ? 5 : 0),
      });
      if (tooSoon) return refuse('slow_down');
      if (device.outcome === 'denied') return refuse('access_denied');
      if (device.expiresAt <= clock.now()) return refuse('expired_token');
      if (device.outcome === 'pending') return refuse('authorization_pending');
      put({ ...polled, outcome: 'collected' });
      return { scope: device.scope };
    },
    all: () => [...devices.values()],
  };
}

function refuse(refusal: DeviceRefusal): { readonly refusal: DeviceRefusal } {
  return { refusal };
}

/** Users leave the dash out and type lowercase letters (RFC 8628 §6.1). */
function normalized(typed: string): string {
  const plain = typed.toUpperCase().replace(/[^A-Z]/g, '');
  return `${plain.slice(0, 4)}-${plain.slice(4)}`;
}

function letters(count: number): string {
  return Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join('');
}
