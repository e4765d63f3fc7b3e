// Which page an address means. Pure; anything that is no address of this page is the list of sessions.

export type Route =
  | { readonly page: "sessions" }
  | { readonly page: "devices" }
  | { readonly page: "session"; readonly id: string };

export function routeOf(hash: string): Route {
  const id = /^#\/sessions\/([A-Za-z0-9_-]{22})$/.exec(hash)?.[1];
  if (id !== undefined) {
    return { page: "session", id };
  }
  return { page: hash === "#/devices" ? "devices" : "sessions" };
}

export function hashOf(route: Route): string {
  return route.page === "session" ? `#/sessions/${route.id}` : `#/${route.page}`;
}
