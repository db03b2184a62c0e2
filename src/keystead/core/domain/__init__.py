"""The life of a domain, as values and decisions (FIG. 17 to 21): who belongs to it, who may change it, and how.

``state`` says what a domain is, ``genesis`` how it begins, ``change_request`` what may be asked, ``quorum`` who must
have signed, ``succession`` whether one domain token may follow another, and ``promise`` that no other will.
"""
