import type { Machine, MachineDriver } from '@sallyport/core/driver';

/** Does the work of a step, such as `machine.start`. `isChange`: the step changes something. */
export type PassStep = <T>(name: string, isChange: boolean, work: () => Promise<T>) => Promise<T>;

/** The same object, each method of which passes `pass` under the name `label.method`. */
export function watchMethods<T extends object>(
  target: T,
  label: string,
  isChange: (method: string) => boolean,
  pass: PassStep,
): T {
  return new Proxy(target, {
    get: (object, name) => {
      const value: unknown = Reflect.get(object, name);
      if (typeof value !== 'function' || typeof name !== 'string') return value;
      return (...args: readonly unknown[]) =>
        pass(`${label}.${name}`, isChange(name), async () => Reflect.apply(value, object, args));
    },
  });
}

/** The same driver, where all that is done to a machine passes `pass`. */
export function watchDriver(driver: MachineDriver, pass: PassStep): MachineDriver {
  return {
    ...driver,
    create: (plan, options) =>
      pass('driver.create', true, async () => watchMachine(await driver.create(plan, options), pass)),
    list: () => pass('driver.list', false, () => driver.list()),
    adopt: (ref) =>
      pass('driver.adopt', false, async () => {
        const machine = await driver.adopt(ref);
        return machine && watchMachine(machine, pass);
      }),
  };
}

const changes = new Set(['start', 'wake', 'hibernate', 'stop', 'destroy']);

function watchMachine(machine: Machine, pass: PassStep): Machine {
  const disk = watchMethods(machine.disk, 'disk', () => true, pass);
  const watched = watchMethods(machine, 'machine', (method) => changes.has(method), pass);
  return new Proxy(watched, {
    get: (object, name) => (name === 'disk' ? disk : Reflect.get(object, name)),
  });
}
