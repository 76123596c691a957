import { systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import { describe, expect, it } from 'vitest';

import { describeStore } from './store.ts';

describeStore(async () => createMemoryStore({ clock: systemClock }), { describe, it, expect });
