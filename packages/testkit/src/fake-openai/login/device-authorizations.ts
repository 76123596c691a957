import { createHash, randomBytes, randomInt } from 'node:crypto';

import type { Clock } from '@sallyport/core';

/** One device that waits for a user to type its code (the vendor's variant of RFC 8628). */
export interface DeviceAuthorization {
  readonly id: string;
  readonly userCode: string;
  readonly expiresAt: number;
  readonly outcome: 'pending' | 'approved' | 'denied' | 'collected';
  /** Made by the server here, and handed to the device together with the authorization code. */
  readonly verifier: string;
  readonly challenge: string;
}

export interface DeviceAuthorizations {
  start(): DeviceAuthorization;
  byUserCode(userCode: string): DeviceAuthorization | undefined;
  byId(id: string): DeviceAuthorization | undefined;
  mark(userCode: string, outcome: DeviceAuthorization['outcome']): void;
  all(): readonly DeviceAuthorization[];
}

const lifetimeMs = 15 * 60_000;
/** No letters that look like digits. */
const alphabet = 'BCDFGHJKLMNPQRSTVWXZ';

export function createDeviceAuthorizations(clock: Clock): DeviceAuthorizations {
  const devices = new Map<string, DeviceAuthorization>();
  const alive = (device: DeviceAuthorization | undefined): DeviceAuthorization | undefined =>
    device && device.expiresAt > clock.now() ? device : undefined;
  return {
    start() {
      const verifier = randomBytes(48).toString('base64url');
      const device: DeviceAuthorization = {
        id: `deviceauth_${randomBytes(12).toString('hex')}`,
        userCode: `${pick(4)}-${pick(5)}`,
        expiresAt: clock.now() + lifetimeMs,
        outcome: 'pending',
        verifier,
        challenge: createHash('sha256').update(verifier).digest('base64url'),
      };
      devices.set(device.userCode, device);
      return device;
    },
    byUserCode: (userCode) => alive(devices.get(userCode.trim().toUpperCase())),
    byId: (id) => alive([...devices.values()].find((device) => device.id === id)),
    mark(userCode, outcome) {
      const device = devices.get(userCode);
      if (device) devices.set(userCode, { ...device, outcome });
    },
    all: () => [...devices.values()],
  };
}

function pick(count: number): string {
  return Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join('');
}
