-- How much of each file on its way has left, as the owner of the journal last looked: a
-- gauge for other processes, which says nothing of what is stored. It is empty while
-- nothing has been on its way for some time, and from each start on.
CREATE TABLE sending (
    attempt_id INTEGER NOT NULL PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
    sent       INTEGER NOT NULL -- bytes of the file, what was stored before included
) STRICT;
