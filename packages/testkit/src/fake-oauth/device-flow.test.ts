import { describe, expect, it } from 'vitest';

import { createVirtualClock } from '../clock.ts';
import { createDeviceFlow } from './device-flow.ts';

const settings = { canary: 'canary', intervalSeconds: 5, lifetimeSeconds: 60 };

describe('the device flow', () => {
  it('lets a device wait, gives it what the user allowed, and gives it only once', async () => {
    const clock = createVirtualClock();
    const flow = createDeviceFlow(clock, settings);
    const { deviceCode, userCode } = flow.start('cli', 'chat');
    expect(flow.poll(deviceCode, 'cli')).toEqual({ refusal: 'authorization_pending' });
    expect(flow.waiting(userCode.toLowerCase().replace('-', ''))?.userCode).toBe(userCode);
    flow.decide(userCode, true);
    await clock.advance(5000);
    expect(flow.poll(deviceCode, 'another')).toEqual({ refusal: 'invalid_grant' });
    expect(flow.poll(deviceCode, 'cli')).toEqual({ scope: 'chat' });
    await clock.advance(5000);
    expect(flow.poll(deviceCode, 'cli')).toEqual({ refusal: 'invalid_grant' });
  });

  it('slows a device down that asks too often', async () => {
    const clock = createVirtualClock();
    const flow = createDeviceFlow(clock, settings);
    const { deviceCode } = flow.start('cli', '');
    flow.poll(deviceCode, 'cli');
    await clock.advance(4000);
    expect(flow.poll(deviceCode, 'cli')).toEqual({ refusal: 'slow_down' });
    await clock.advance(9000);
    expect(flow.poll(deviceCode, 'cli')).toEqual({ refusal: 'slow_down' });
    expect(flow.all()[0]?.intervalSeconds).toBe(15);
  });

  it('refuses after a denial, and after its time', async () => {
    const clock = createVirtualClock();
    const flow = createDeviceFlow(clock, settings);
    const denied = flow.start('cli', '');
    flow.decide(denied.userCode, false);
    expect(flow.poll(denied.deviceCode, 'cli')).toEqual({ refusal: 'access_denied' });
    const late = flow.start('cli', '');
    await clock.advance(61_000);
    expect(flow.waiting(late.userCode)).toBeUndefined();
    expect(flow.poll(late.deviceCode, 'cli')).toEqual({ refusal: 'expired_token' });
  });
});
