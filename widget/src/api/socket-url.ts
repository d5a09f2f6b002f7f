/** The address of the web socket: a path stands for this page's own host. */
export function socketUrl(url: string, page: string): string {
  const absolute = new URL(url, page);
  absolute.protocol = absolute.protocol.replace(/^http/, 'ws');
  return absolute.href;
}
