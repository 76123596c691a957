import { systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { createViewerTickets } from './viewer-tickets.ts';

const holder = { userId: 'ada', sessionId: 'one' };

function createClock(): Clock & { passed: number } {
  const clock = { ...systemClock, passed: 0, monotonic: () => clock.passed };
  return clock;
}

describe('viewer tickets', () => {
  it('open one connection, and only one', () => {
    const tickets = createViewerTickets({ clock: createClock() });
    const ticket = tickets.issue('ada', 'one');
    expect(tickets.redeem(ticket, holder)).toBe(true);
    expect(tickets.redeem(ticket, holder)).toBe(false);
  });

  it('let in one of two sockets that come with the same ticket at the same time', async () => {
    const tickets = createViewerTickets({ clock: createClock() });
    const ticket = tickets.issue('ada', 'one');
    const outcomes = await Promise.all([1, 2].map(async () => await Promise.resolve(tickets.redeem(ticket, holder))));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });

  it('belong to one user and one login session, and are used up by anybody else', () => {
    const tickets = createViewerTickets({ clock: createClock() });
    for (const wrong of [
      { userId: 'eve', sessionId: 'one' },
      { userId: 'ada', sessionId: 'two' },
    ]) {
      const ticket = tickets.issue('ada', 'one');
      expect(tickets.redeem(ticket, wrong)).toBe(false);
      expect(tickets.redeem(ticket, holder)).toBe(false);
    }
  });

  it('cannot be shifted between a user and a session whose names run together', () => {
    const tickets = createViewerTickets({ clock: createClock() });
    const ticket = tickets.issue('ada","o', 'ne');
    expect(tickets.redeem(ticket, { userId: 'ada', sessionId: 'o","ne' })).toBe(false);
  });

  it('end after their lifetime', () => {
    const clock = createClock();
    const tickets = createViewerTickets({ clock, lifetimeMs: 30_000 });
    const [early, late] = [tickets.issue('ada', 'one'), tickets.issue('ada', 'one')];
    clock.passed = 29_999;
    expect(tickets.redeem(early, holder)).toBe(true);
    clock.passed = 30_000;
    expect(tickets.redeem(late, holder)).toBe(false);
  });

  it('make room for new ones, the oldest first', () => {
    const tickets = createViewerTickets({ clock: createClock(), capacity: 2 });
    const [first, second, third] = ['', '', ''].map(() => tickets.issue('ada', 'one'));
    expect(tickets.redeem(first ?? '', holder)).toBe(false);
    expect(tickets.redeem(second ?? '', holder)).toBe(true);
    expect(tickets.redeem(third ?? '', holder)).toBe(true);
  });

  it('carry 192 random bits in characters a WebSocket protocol may have', () => {
    const tickets = createViewerTickets({ clock: createClock() });
    expect(tickets.issue('ada', 'one')).toMatch(/^[A-Za-z0-9_-]{32}$/);
  });
});
