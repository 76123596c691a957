import { describe, expect, it } from 'vitest';

import { defaultConnections } from './limits.ts';

describe('the connections of all clients, by default', () => {
  it.each([
    ['Max open files            1048576              1048576              files', 8192],
    ['Max open files            1024                 4096                 files', 512],
    ['Max open files            unlimited            unlimited            files', 8192],
    ['', 8192],
  ])('are half of the open files in %j, at most 8192', (limits, connections) => {
    expect(defaultConnections(limits)).toBe(connections);
  });
});
