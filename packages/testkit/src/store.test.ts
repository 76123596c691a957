import { createMemoryStore, systemClock } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { describeStore } from './store.ts';

describeStore(async () => createMemoryStore({ clock: systemClock }), { describe, it, expect });
