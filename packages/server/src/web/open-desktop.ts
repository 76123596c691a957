/** Opens a desktop's WebSocket with a one-use ticket. It is not part of the URL, because URLs are logged. */
export function openDesktopWith(ticket: string, sessionId: string, base: string): WebSocket {
  const path = `/api/auth/session/${encodeURIComponent(sessionId)}/novnc/websock`;
  const url = new URL(path, base || location.href).href.replace(/^http/, 'ws');
  return new WebSocket(url, ['binary', `sallyport.ticket.${ticket}`]);
}
