import type { World } from './world.ts';
import { credential } from './world.ts';

/**
 * A vendor whose refresh tokens are single-use, and a CLI that refreshes with every prompt. A token that comes a second
 * time ends the whole family (RFC 9700 §4.14.2).
 */
export interface RotatingVendor {
  /** Number of the only token that is good. */
  readonly newest: number;
  /** Tokens that were presented a second time: what must never happen. */
  readonly replayed: readonly number[];
  /** The CLI's rotations reach its disk and nobody is told, as at a kill in between. */
  unseen: boolean;
  /** A new login, as a user makes it: a new family. */
  logIn(): { readonly auth: string };
  /** From now on the machines of this world run the CLI. */
  serve(world: World): void;
}

const path = '~/.fake/auth.json';

export function createRotatingVendor(): RotatingVendor {
  const used = new Set<number>();
  const replayed: number[] = [];
  let latest = 0;
  let newest = 0;
  const issue = (): number => {
    latest += 1;
    newest = latest;
    return newest;
  };
  const vendor: RotatingVendor = {
    get newest() {
      return newest;
    },
    replayed,
    unseen: false,
    logIn: () => credential(issue()),
    serve: (world) => {
      world.fake.script.execute = async function* (_request, agent) {
        const machine = world.fake.machines.find((each) => each.boots.length > 0 && each.agent === agent);
        const { issuedAt }: { issuedAt: number } = JSON.parse(machine?.home('fake').get(path)?.content ?? '{}');
        if (used.has(issuedAt)) {
          replayed.push(issuedAt);
          newest = -1;
        }
        if (issuedAt !== newest) {
          yield { type: 'stdout', line: '{"type":"error","message":"not logged in"}' };
          yield { type: 'exit', code: 1, signal: null, reason: 'ended' };
          return;
        }
        used.add(issuedAt);
        const next = credential(issue());
        machine?.home('fake').set(path, { path, content: next.auth, mode: 0o600 });
        if (!vendor.unseen) agent.offer('fake', next);
        yield { type: 'stdout', line: '{"type":"text","text":"done"}' };
        yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
      };
    },
  };
  return vendor;
}
