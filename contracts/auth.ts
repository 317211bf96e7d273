import { z } from 'zod';

/** A used refresh token gets the same successor again within this time from the same client (design, issue "auth"). */
export const REFRESH_REPEAT_SECONDS = 10;
export const RESERVED_HANDLES = ['system'] as const;
export const ADMIN_HANDLE = 'admin';

export const loginBodySchema = z
  .object({
    handle: z.string().min(1).max(256),
    password: z.string().min(1).max(1024),
  })
  .meta({ id: 'Login', examples: [{ handle: 'admin', password: 'correct horse battery' }] });
export const refreshBodySchema = z
  .object({ refresh_token: z.string().min(1).max(4096) })
  .meta({ id: 'Refresh' });
export const logoutBodySchema = z
  .object({ refresh_token: z.string().max(4096).nullish() })
  .meta({ id: 'Logout', examples: [{}] });

/** Reply of login and refresh (contract §5.2). */
export const tokenPairSchema = z
  .object({
    access_token: z.string(),
    refresh_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.number().int(),
  })
  .meta({ id: 'TokenPair' });
export type TokenPair = z.infer<typeof tokenPairSchema>;

/** User as `users/me` and the admin routes show it. */
export const userSchema = z
  .object({
    id: z.string(),
    handle: z.string(),
    email: z.string().optional(),
    is_active: z.boolean(),
    /** Addition of ours on the admin routes. */
    created_at: z.string().optional(),
  })
  .meta({ id: 'User' });
export type User = z.infer<typeof userSchema>;

export const userListSchema = z
  .object({ users: z.array(userSchema), next_cursor: z.string().optional() })
  .meta({ id: 'UserList' });
export type UserList = z.infer<typeof userListSchema>;

/** Handle: lower-case letters, digits, dot, dash, underscore. */
export const handleSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lower-case letters, digits, . _ -, at most 63');
export const passwordSchema = z.string().min(8, 'must have at least 8 characters').max(1024);

export const createUserBodySchema = z
  .object({
    handle: handleSchema,
    password: passwordSchema,
    email: z.email().max(320).nullish(),
  })
  .meta({
    id: 'CreateUser',
    examples: [{ handle: 'ada', password: 'correct horse battery', email: 'ada@example.org' }],
  });
export const resetPasswordBodySchema = z.object({ password: passwordSchema }).meta({ id: 'ResetPassword' });
