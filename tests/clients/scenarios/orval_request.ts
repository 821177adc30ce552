// The function that orval's client calls for each request, as orval's documentation describes it ("mutator").

const BASE = process.env.INSULA ?? "";
let token = "";

/** Send this credential with the following requests: an access token or an API key. */
export function signedInWith(credential: string): void {
  token = credential;
}

export async function request<T>(url: string, options: RequestInit): Promise<T> {
  const headers = new Headers(options.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const response = await fetch(BASE + url, { ...options, headers });
  const text = await response.text();
  return { data: text ? JSON.parse(text) : undefined, status: response.status, headers: response.headers } as T;
}
