import { systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { createViewerTickets } from './viewer-tickets.ts';

function createClock(): Clock & { passed: number } {
  const clock = { ...systemClock, passed: 0, monotonic: () => clock.passed };
  return clock;
}

describe('viewer tickets', () => {
  it('open one connection, and only one', () => {
    const tickets = createViewerTickets({ clock: createClock() });
    const ticket = tickets.issue('ada', 'one');
    expect(tickets.redeem(ticket, 'one')).toBe('ada');
    expect(tickets.redeem(ticket, 'one')).toBeUndefined();
  });

  it('let in one of two sockets that come with the same ticket at the same time', async () => {
    const tickets = createViewerTickets({ clock: createClock() });
    const ticket = tickets.issue('ada', 'one');
    const outcomes = await Promise.all([1, 2].map(async () => await Promise.resolve(tickets.redeem(ticket, 'one'))));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });

  it('belong to one login session, and are used up by a try at another one', () => {
    const tickets = createViewerTickets({ clock: createClock() });
    const ticket = tickets.issue('ada', 'one');
    expect(tickets.redeem(ticket, 'two')).toBeUndefined();
    expect(tickets.redeem(ticket, 'one')).toBeUndefined();
  });

  it('end after their lifetime', () => {
    const clock = createClock();
    const tickets = createViewerTickets({ clock, lifetimeMs: 30_000 });
    const [early, late] = [tickets.issue('ada', 'one'), tickets.issue('ada', 'one')];
    clock.passed = 29_999;
    expect(tickets.redeem(early, 'one')).toBe('ada');
    clock.passed = 30_000;
    expect(tickets.redeem(late, 'one')).toBeUndefined();
  });

  it('make room for new ones, the oldest first', () => {
    const tickets = createViewerTickets({ clock: createClock(), capacity: 2 });
    const [first, second, third] = ['', '', ''].map(() => tickets.issue('ada', 'one'));
    expect(tickets.redeem(first ?? '', 'one')).toBeUndefined();
    expect(tickets.redeem(second ?? '', 'one')).toBe('ada');
    expect(tickets.redeem(third ?? '', 'one')).toBe('ada');
  });

  it('carry 192 random bits in characters a WebSocket protocol may have', () => {
    const tickets = createViewerTickets({ clock: createClock() });
    expect(tickets.issue('ada', 'one')).toMatch(/^[A-Za-z0-9_-]{32}$/);
  });
});
