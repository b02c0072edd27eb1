"""Who is told what: events and the book, worded in the language of the reader, by mail and to the browser."""
