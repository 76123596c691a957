import type { Provider } from '@sallyport/core/provider';

import { inspect } from './credential-facts.ts';
import { manifest } from './manifest.ts';
import { parse } from './parse-output.ts';

/** My CLI, for the `providers` list of `sallyport.config.ts`. */
export const provider: Provider = { manifest, parse, inspect };
