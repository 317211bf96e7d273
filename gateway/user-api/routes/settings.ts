import { z } from 'zod';
import { CynodeError } from '../../../contracts/errors.ts';
import { rfc3339 } from '../../../contracts/ids.ts';
import { PATHS } from '../../../contracts/paths.ts';
import {
  putSettingBodySchema,
  SYSTEM_SETTINGS,
  systemSettingListSchema,
} from '../../../contracts/settings.ts';
import type { SystemSetting } from '../../../contracts/settings.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import type { Database } from '../../../schema/database.ts';
import { changeSetting, listSettings } from '../../../schema/settings.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import { callerOf, requireAdmin } from '../auth/authenticate.ts';
import type { UserApiDeps } from '../deps.ts';

const ONE_SETTING = `${PATHS.systemSettings}/:key`;
const params = z.object({ key: z.string() });
const response = { 200: systemSettingListSchema, ...COMMON_PROBLEMS, 403: problemSchema };
const oneResponse = { ...response, 404: problemSchema };

/** System settings, for administrators: what is set holds from the next time it is read on. */
export function registerSettingsRoutes(scope: HttpApp, { db }: Pick<UserApiDeps, 'db'>): void {
  requireAdmin(scope);
  scope.get(
    PATHS.systemSettings,
    {
      schema: {
        operationId: 'listSystemSettings',
        tags: ['system'],
        summary: 'List the system settings',
        description: 'What can be set, and what is; administrators only.',
        response,
      },
    },
    async () => ({ settings: await viewSettings(db) }),
  );
  scope.put(
    ONE_SETTING,
    {
      schema: {
        operationId: 'putSystemSetting',
        tags: ['system'],
        summary: 'Set a system setting',
        description:
          'Holds at once, without a restart; the change is kept in an audit log. Administrators only.',
        params,
        body: putSettingBodySchema,
        response: oneResponse,
      },
    },
    async (request) => {
      const { key } = request.params;
      const value = checked(key, request.body.value);
      await changeSetting(db, { key, value, userId: callerOf(request).userId });
      return { settings: await viewSettings(db) };
    },
  );
  scope.delete(
    ONE_SETTING,
    {
      schema: {
        operationId: 'deleteSystemSetting',
        tags: ['system'],
        summary: 'Return to the default of a system setting',
        description: 'Administrators only.',
        params,
        response: oneResponse,
      },
    },
    async (request) => {
      const { key } = specOf(request.params.key);
      await changeSetting(db, { key, value: undefined, userId: callerOf(request).userId });
      return { settings: await viewSettings(db) };
    },
  );
}

async function viewSettings(db: Database): Promise<SystemSetting[]> {
  const stored = new Map((await listSettings(db)).map((setting) => [setting.key, setting]));
  return Object.values(SYSTEM_SETTINGS).map(({ key, help }) => {
    const found = stored.get(key);
    return { key, help, ...(found && { value: found.value, updated_at: rfc3339(found.updated_at) }) };
  });
}

function specOf(key: string) {
  const spec = Object.values(SYSTEM_SETTINGS).find((setting) => setting.key === key);
  if (spec === undefined)
    throw new CynodeError(
      'not_found',
      `There is no system setting ${key.slice(0, 100)}; GET ${PATHS.systemSettings} lists them`,
    );
  return spec;
}

function checked(key: string, value: unknown): unknown {
  const { schema, help } = specOf(key);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new CynodeError('validation', `value does not fit this setting. ${help}`);
  return parsed.data;
}
