// A caller of the API, typed by what openapi-typescript makes of the
// specification (api.ts). It reads what there is to read and prints it as JSON.
// Arguments: the gateway's address, a token, and an account.
import type { components, paths } from "./api";

declare const process: { argv: string[] };

type Schemas = components["schemas"];

// What GET of each path answers with 200.
type Answers = {
  [P in keyof paths]: paths[P] extends {
    get: { responses: { 200: { content: { "application/json": infer Body } } } };
  }
    ? Body
    : never;
};

class ProblemError extends Error {
  constructor(readonly problem: Schemas["Problem"]) {
    super(problem.detail);
  }
}

const [, , base = "", token = "", account = ""] = process.argv;

async function get<P extends keyof Answers>(path: P, query: Record<string, string> = {}): Promise<Answers[P]> {
  const search = new URLSearchParams(query).toString();
  const address = base + path.replace("{account}", encodeURIComponent(account)) + (search && "?" + search);
  const response = await fetch(address, { headers: { Authorization: "Bearer " + token } });
  if (!response.ok) {
    throw new ProblemError((await response.json()) as Schemas["Problem"]);
  }
  return (await response.json()) as Answers[P];
}

async function allAccounts(): Promise<Schemas["Account"][]> {
  const accounts: Schemas["Account"][] = [];
  let cursor: string | null = null;
  do {
    const page: Schemas["Accounts"] = await get("/accounts", { limit: "1", ...(cursor === null ? {} : { cursor }) });
    accounts.push(...page.accounts);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return accounts;
}

// words meets every state: another one would not compile.
function words(state: Schemas["HealthState"]): string {
  switch (state) {
    case "ok":
    case "unknown":
      return "well";
    case "bad_credentials":
    case "access_denied":
    case "rate_limited":
    case "unavailable":
    case "bad_response":
      return "in trouble";
  }
}

function sum(money: Schemas["Money"] | null): string | null {
  return money === null ? null : `${money.amount} ${money.currency}`;
}

// What may be null is typed so: without a check it does not compile.
export function unchecked(
  health: Schemas["AccountHealth"],
  balance: Schemas["Balance"],
  item: Schemas["FleetBalance"],
  statistics: Schemas["Statistics"],
  user: Schemas["User"],
  operation: Schemas["Operation"],
): string[] {
  return [
    // @ts-expect-error
    health.remedy.length,
    // @ts-expect-error
    health.last_success_at.length,
    // @ts-expect-error
    balance.blocked.amount,
    // @ts-expect-error
    balance.billing.length,
    // @ts-expect-error
    item.balance.amount,
    // @ts-expect-error
    item.wallets.length,
    // @ts-expect-error
    item.as_of.length,
    // @ts-expect-error
    statistics.period.from,
    // @ts-expect-error
    statistics.counters[0]?.limit.toFixed(),
    // @ts-expect-error
    user.email.length,
    // @ts-expect-error
    operation.invoice.payment,
    // @ts-expect-error
    operation.problem.code,
    // @ts-expect-error
    operation.settled_at.length,
    balance.balance.amount, // never null
    operation.created_at,
  ];
}

async function codeOf(asked: Promise<unknown>): Promise<Schemas["ProblemCode"] | null> {
  try {
    await asked;
    return null;
  } catch (error) {
    if (error instanceof ProblemError) {
      return error.problem.code;
    }
    throw error;
  }
}

async function main(): Promise<void> {
  const balance = await get("/accounts/{account}/balance");
  const statistics = await get("/accounts/{account}/statistics");
  const users = await get("/accounts/{account}/users");
  const fleet = await get("/balances", { require: "any" });
  const operations = await get("/operations", { state: "unknown" });
  console.log(
    JSON.stringify({
      accounts: (await allAccounts()).map((a) => `${a.name} is ${words(a.health.state)}`),
      balance: sum(balance.balance),
      blocked: sum(balance.blocked),
      counters: statistics.counters.length,
      logins: users.users.map((u) => u.login).slice(0, 2),
      failed: fleet.balances.filter((item) => item.status === "failed").map((item) => item.problem?.code ?? null),
      totals: fleet.totals.map(sum),
      unknown: operations.operations.map((o) => o.idempotency_key),
      problem: await codeOf(get("/accounts/{account}/balance", { currency: "XXX" })),
    }),
  );
}

await main();
