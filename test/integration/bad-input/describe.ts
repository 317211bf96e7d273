import { describe, expect, it } from '@jest/globals';
import {
  badBodies,
  badPaths,
  badQueries,
  foreign,
  good,
  unauthorised,
  wrongHeaders,
  wrongTypes,
} from './attacks.ts';
import { faultsOf } from './check.ts';
import { methodOf, pathOf, routesOf } from './row.ts';
import type { Attack, Row, Target } from './row.ts';

type Make = (target: Target, route: string, row: Row) => Attack[];

const AT_ONCE = 8;
const REPEATS = 20;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Everything that can be wrong about a request, tried on every route. */
export function describeBadInput(name: string, targetNow: () => Target): void {
  describe(`bad input to the ${name}`, () => {
    it('is tried on every route', () => {
      const { app, rows } = targetNow();
      expect(routesOf(app).sort()).toEqual(Object.keys(rows).sort());
    });

    it('is told apart from good input', () => expectNoFaults(targetNow(), goodRequests));

    it.each([
      ['without a token that allows it', unauthorised],
      ['about what belongs to others or nobody', foreign],
      ['in bodies that cannot be read', badBodies],
    ])('%s is refused, and nothing is stored', async (_what, make) => {
      const target = targetNow();
      const before = await target.countStored();
      await expectNoFaults(target, make);
      expect(await target.countStored()).toEqual(before);
    });

    it.each([
      ['in members', wrongTypes],
      ['in paths', badPaths],
      ['in queries', badQueries],
      ['in headers', wrongHeaders],
    ])('%s is no fault of the server', (_what, make) => expectNoFaults(targetNow(), make));

    it('of another method gets 405 and the methods that are allowed', async () => {
      const { app, rows } = targetNow();
      for (const [route, row] of Object.entries(rows)) {
        const url = pathOf(route, row.params);
        const allowed = Object.keys(rows)
          .filter((other) => other.split(' ')[1] === route.split(' ')[1])
          .flatMap((other) => (methodOf(other) === 'GET' ? ['GET', 'HEAD'] : [methodOf(other)]));
        for (const method of METHODS.filter((one) => !allowed.includes(one))) {
          const { statusCode, headers, payload } = await app.inject({ method, url, payload: '{' });
          expect([method, url, statusCode, payload]).toEqual([method, url, 405, 'Method Not Allowed\n']);
          expect([url, headers['allow']]).toEqual([url, allowed.sort().join(', ')]);
        }
      }
    });

    it('gets the same answer however often and at once it comes', async () => {
      const target = targetNow();
      for (const [route, row] of Object.entries(target.rows)) {
        const [attack] = [...badBodies(target, route, row), ...unauthorised(target, route, row)];
        if (attack === undefined) continue;
        const replies = await Promise.all(
          Array.from({ length: REPEATS }, async () => target.app.inject(attack.request)),
        );
        expect([
          route,
          new Set(replies.map(({ statusCode, payload }) => `${statusCode} ${payload}`)).size,
        ]).toEqual([route, 1]);
      }
    });
  });
}

const goodRequests: Make = (target, route, row) => [
  { what: 'a good request', request: good(target, route, row), allowed: row.good },
];

async function expectNoFaults(target: Target, make: Make): Promise<void> {
  const waiting = Object.entries(target.rows).flatMap(([route, row]) =>
    make(target, route, row).map((attack) => ({ route, attack })),
  );
  const faults: string[] = [];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const answer = await target.app.inject(next.attack.request);
      faults.push(...faultsOf(target, next.route, next.attack, answer));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  expect(faults).toEqual([]);
}
